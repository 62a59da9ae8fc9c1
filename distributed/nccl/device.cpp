#include <unistd.h>

#include <array>
#include <set>
#include <string>

#include "distributed/device.hpp"
#include "distributed/nccl/nccl.hpp"
#include "gpu/runtime.hpp"

namespace hebb {
namespace {

// A GPU among those of all hosts.
struct Place {
  std::array<char, 256> host{};
  std::array<char, 32> address{};
};

Place place_of(int device) {
  Place place;
  gethostname(place.host.data(), place.host.size() - 1);
  cuda::device_address(device).copy(place.address.data(), place.address.size() - 1);
  return place;
}

bool all_differ(Communicator& ranks, const Place& mine) {
  char differ = 0;
  if (ranks.is_root()) {
    const auto text = [](const Place& place) {
      return std::string(place.host.data()) + ' ' + place.address.data();
    };
    std::set<std::string> places = {text(mine)};
    for (int i = 1; i < ranks.size(); ++i) places.insert(text(*ranks.receive<Place>(true)));
    differ = int(places.size()) == ranks.size();
  } else {
    ranks.send(0, mine);
  }
  ranks.broadcast(std::as_writable_bytes(std::span(&differ, 1)));
  return differ;
}

}  // namespace

// NCCL refuses two ranks on one GPU.
std::unique_ptr<Communicator> communicator_on(Device device, Communicator& ranks) {
  if (device.is_cpu() || ranks.size() == 1 || !all_differ(ranks, place_of(device.index)))
    return nullptr;
  return std::make_unique<NcclCommunicator>(ranks, device.index);
}

}  // namespace hebb
