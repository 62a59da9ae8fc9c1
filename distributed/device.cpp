#include "distributed/device.hpp"

#include <fmt/format.h>

namespace hebb {

std::string device_of_rank(const std::string& device, const Communicator& ranks) {
  const int count = device == "cuda" && ranks.size() > 1 ? cuda_device_count() : 0;
  return count > 0 ? fmt::format("cuda:{}", ranks.rank_on_host() % count) : device;
}

}  // namespace hebb
