#pragma once

#include <cstddef>
#include <cstdint>

#include "core/api.hpp"
#include "core/device.hpp"
#include "core/ref.hpp"

namespace HEBB_API hebb {

/// A block of memory on a device, shared by the tensors that look into it.
class Storage : public RefCounted {
 public:
  /// Uninitialised memory, 64-byte aligned; DeviceError when the device is absent.
  static Ref<Storage> allocate(size_t bytes, Device device);
  ~Storage() override;

  void* data() const { return data_; }
  size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

  Storage(void* data, size_t bytes, Device device) : data_(data), bytes_(bytes), device_(device) {}

 private:
  void* data_;
  size_t bytes_;
  Device device_;
};

/// What tensors on a device take, of all threads. Freed blocks are kept and given out again, so
/// that a training step takes nothing from the system once it has run a few times.
struct MemoryStats {
  int64_t system_allocations = 0;  ///< Blocks taken from the system (or CUDA) so far.
  int64_t system_bytes = 0;        ///< Bytes now held from it, in use or kept for reuse.
  int64_t bytes_in_use = 0;        ///< Bytes that tensors hold.
  int64_t peak_bytes = 0;          ///< Highest `bytes_in_use` since reset_peak_memory().
};
/// On the CPU, each other thread's last 64 KiB may be missing from `bytes_in_use` and `peak_bytes`:
/// threads count for themselves. DeviceError when the device is absent.
MemoryStats memory_stats(Device device = Device::cpu());
/// Starts a new measurement of `peak_bytes`.
void reset_peak_memory(Device device = Device::cpu());
/// Gives blocks that no tensor uses back to the system: on the CPU those of this thread and the
/// shared ones.
void release_cached_memory(Device device = Device::cpu());

/// The CPU's caching allocator. Every thread keeps a few blocks of each size for itself and takes
/// no lock for them; the rest is shared. A request that cannot be met throws std::bad_alloc.
namespace cpu_memory {
void* allocate(size_t bytes);
void release(void* memory, size_t bytes) noexcept;
MemoryStats stats();
void reset_peak();
void trim();
}  // namespace cpu_memory

}  // namespace hebb
