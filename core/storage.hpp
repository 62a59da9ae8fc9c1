#pragma once

#include <cstddef>
#include <cstdint>

#include "core/device.hpp"
#include "core/ref.hpp"

namespace hebb {

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

/// What tensors on the CPU take. Freed blocks are kept and given out again, so that a training
/// step takes nothing from the system once it has run a few times.
struct MemoryStats {
  int64_t system_allocations = 0;  ///< Blocks taken from the system by the whole process so far.
  int64_t system_bytes = 0;        ///< Bytes now held from the system, in use or kept for reuse.
  int64_t bytes_in_use = 0;        ///< Bytes that tensors made by this thread hold.
  int64_t peak_bytes = 0;          ///< Highest `bytes_in_use` since reset_peak_memory().
};
MemoryStats memory_stats();
/// Starts a new measurement of `peak_bytes` for this thread.
void reset_peak_memory();
/// Gives blocks that no tensor uses back to the system: those of this thread and the shared ones.
void release_cached_memory();

/// The CPU's caching allocator. Every thread keeps a few blocks of each size for itself and takes
/// no lock for them; the rest is shared. A request that cannot be met throws std::bad_alloc.
namespace cpu_memory {
void* allocate(size_t bytes);
void release(void* memory, size_t bytes) noexcept;
}  // namespace cpu_memory

}  // namespace hebb
