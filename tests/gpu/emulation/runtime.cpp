// CUDA's runtime as the tests have it: a device whose memory is this CPU's and whose stream is done
// before a call returns. Kernels run as loops (gpu/launch_host.hpp).
#include "gpu/runtime.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "gpu/launch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

constexpr unsigned char guard = 0xa5;

/// New blocks and freed ones are full of NaN, and what a tensor may not touch is guarded.
class EmulatedMemory final : public BlockSource {
 public:
  void* allocate(size_t bytes) override {
    return emulation.memory_left && bytes <= size_t(1) << 32
               ? std::aligned_alloc(CachingAllocator::unit, bytes)
               : nullptr;
  }
  void release(void* block) noexcept override { std::free(block); }
  size_t free_bytes() override { return 12345; }
  void synchronize() override {}
  void lent(void* block, size_t bytes, size_t block_bytes) override {
    std::memset(block, 0xff, bytes);
    std::memset(static_cast<char*>(block) + bytes, guard, block_bytes - bytes);
  }
  void returned(void* block, size_t bytes, size_t block_bytes) noexcept override {
    const auto* memory = static_cast<const unsigned char*>(block);
    for (size_t i = bytes; i < block_bytes; ++i)
      if (memory[i] != guard) ++emulation.broken_guards;
    std::memset(block, 0xff, block_bytes);
  }
};

}  // namespace

Emulation emulation;

void activate(Stream) {}
void check_launch() { ++emulation.launches; }

Machine machine() { return {.driver = 13000, .runtime = 13000, .status = 0, .devices = 1}; }
std::string device_name(int) { return "emulated"; }
std::string library_versions() { return "no driver"; }

thread_local std::string emulated_address = "0000:01:00.0";
std::string device_address(int) { return emulated_address; }

// Their handles are numbers, and the first one is the backend's.
Stream create_stream(int device) {
  static std::atomic<intptr_t> count = 0;
  return {device, reinterpret_cast<void*>(count++)};
}

thread_local std::vector<std::pair<int, int>> emulated_order;
void wait_for(Stream stream, Stream other) {
  const auto number = [](Stream s) { return int(reinterpret_cast<intptr_t>(s.handle)); };
  emulated_order.emplace_back(number(stream), number(other));
}
void synchronize(Stream) { ++emulation.waits; }

void copy_on_device(Stream, void* to, const void* from, size_t bytes) {
  if (bytes) std::memcpy(to, from, bytes);  // nothing may have no address
}
void copy_to_device(Stream stream, void* to, const void* from, size_t bytes) {
  emulation.uploaded += bytes;
  copy_on_device(stream, to, from, bytes);
}
void copy_to_host(Stream stream, void* to, const void* from, size_t bytes) {
  ++emulation.waits;
  copy_on_device(stream, to, from, bytes);
}

void* shared_memory(Stream, size_t bytes) { return std::calloc(1, bytes); }
BlockSource& device_memory(Stream) { return *new EmulatedMemory; }

}  // namespace hebb::cuda
