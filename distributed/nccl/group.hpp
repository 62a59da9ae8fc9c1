#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "gpu/stream.hpp"

/// What the communicator asks of NCCL, which is loaded at the first call. Failures are DeviceErrors
/// (gpu/status.hpp). The tests have another definition, of threads (tests/gpu/emulation/).
namespace hebb::nccl {

/// What ranks find each other by: made by one of them, and known to all.
using Id = std::array<std::byte, 128>;
Id make_id();

/// Bytes that this rank sends to another and gets of it, on the device.
struct Transfer {
  int peer;
  const void* from;
  size_t sent;
  void* to;
  size_t received;
};

/// Ranks with a GPU each.
class Group {
 public:
  /// Returns when all ranks have called it.
  Group(const Id& id, int rank, int size, cuda::Stream stream);
  ~Group();
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  /// All transfers at once, in the stream's order; does not wait.
  void exchange(std::span<const Transfer> transfers);

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace hebb::nccl
