// In place of NCCL: ranks are threads, and what one sends another waits for.
#include "distributed/nccl/group.hpp"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "core/check.hpp"
#include "gpu/status.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::nccl {
namespace {

struct Wires {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::pair<int, int>, std::deque<std::vector<char>>> wires;  // from, to
} wires;

}  // namespace

struct Group::Connection {
  int rank;
};

Id make_id() { return {std::byte{42}}; }

Group::Group(const Id& id, int rank, int size, cuda::Stream) : connection_(new Connection{rank}) {
  check(id == Id{std::byte{42}}, "rank {} of {} has another id", rank, size);
  if (cuda::emulation.nccl_status != 0)
    cuda::fail_status(cuda::Library::nccl, cuda::emulation.nccl_status, "as asked",
                      "ncclCommInitRank");
}

Group::~Group() = default;

void Group::exchange(std::span<const Transfer> transfers) {
  const int rank = connection_->rank;
  std::unique_lock lock(wires.mutex);
  ++cuda::emulation.exchanges;
  cuda::emulated_order.emplace_back(-1, -1);
  for (const Transfer& t : transfers) {
    const char* const from = static_cast<const char*>(t.from);
    if (t.sent > 0) wires.wires[{rank, t.peer}].emplace_back(from, from + t.sent);
  }
  wires.changed.notify_all();
  for (const Transfer& t : transfers) {
    if (t.received == 0) continue;
    auto& wire = wires.wires[{t.peer, rank}];
    wires.changed.wait(lock, [&] { return !wire.empty(); });
    check(wire.front().size() == t.received, "rank {} expected {} bytes of rank {}, got {}", rank,
          t.received, t.peer, wire.front().size());
    std::memcpy(t.to, wire.front().data(), t.received);
    wire.pop_front();
  }
}

}  // namespace hebb::nccl
