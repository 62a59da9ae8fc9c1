#include "core/storage.hpp"

#include <array>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "core/backend.hpp"
#include "core/block_sizes.hpp"
#include "core/huge_pages.hpp"

namespace hebb {
namespace {

constexpr size_t block_alignment = 64;
constexpr int bins = block_bins;

int bin_of(size_t bytes) { return block_bin(bytes, block_alignment); }
size_t size_of_bin(int bin) { return block_size(bin, block_alignment); }

// How many blocks of a size a thread keeps for itself.
size_t thread_limit(int bin) { return size_of_bin(bin) <= (1 << 16) ? 64 : 8; }

struct Shared {
  std::mutex mutex;
  std::array<std::vector<void*>, bins> blocks;
};
// Never destroyed: threads and statics may free tensors to the very end.
Shared& shared() {
  static Shared* instance = new Shared;
  return *instance;
}

std::atomic<int64_t> system_allocations{0}, system_bytes{0};

// Bytes in use are counted by each thread for itself, and put together when they have come to this:
// a step of training small networks takes and frees a block every microsecond.
constexpr int64_t unreported_limit = 1 << 16;
std::atomic<int64_t> in_use{0}, peak{0};
thread_local int64_t unreported = 0;
thread_local bool alive = true;

void report() {
  const int64_t now = in_use.fetch_add(unreported, std::memory_order_relaxed) + unreported;
  unreported = 0;
  for (int64_t highest = peak.load(std::memory_order_relaxed);
       now > highest && !peak.compare_exchange_weak(highest, now, std::memory_order_relaxed);) {
  }
}

void count(int64_t bytes) {
  unreported += bytes;
  if (!alive || unreported >= unreported_limit || unreported <= -unreported_limit) report();
}

void give_back(void* memory, int bin) {
  system_bytes.fetch_sub(int64_t(size_of_bin(bin)), std::memory_order_relaxed);
  std::free(memory);
}

struct ThreadCache {
  std::array<std::vector<void*>, bins> blocks;
  ~ThreadCache() {
    alive = false;
    report();
    std::lock_guard lock(shared().mutex);
    for (int bin = 0; bin < bins; ++bin)
      for (void* block : blocks[bin]) shared().blocks[bin].push_back(block);
  }
};
thread_local ThreadCache cache;

}  // namespace

namespace cpu_memory {

void* allocate(size_t bytes) {
  const int bin = bin_of(bytes);
  if (bin >= bins) throw std::bad_alloc();
  const size_t size = size_of_bin(bin);
  if (alive && !cache.blocks[bin].empty()) {
    void* block = cache.blocks[bin].back();
    cache.blocks[bin].pop_back();
    count(int64_t(size));
    return block;
  }
  {
    std::lock_guard lock(shared().mutex);
    std::vector<void*>& blocks = shared().blocks[bin];
    if (!blocks.empty()) {
      void* block = blocks.back();
      blocks.pop_back();
      count(int64_t(size));
      return block;
    }
  }
  void* block = std::aligned_alloc(block_alignment, size);
  if (!block) throw std::bad_alloc();
  prefer_huge_pages(block, bytes);
  count(int64_t(size));
  system_allocations.fetch_add(1, std::memory_order_relaxed);
  system_bytes.fetch_add(int64_t(size), std::memory_order_relaxed);
  return block;
}

void release(void* memory, size_t bytes) noexcept {
  const int bin = bin_of(bytes);
  count(-int64_t(size_of_bin(bin)));
  try {
    if (alive && cache.blocks[bin].size() < thread_limit(bin)) {
      cache.blocks[bin].push_back(memory);
    } else {
      std::lock_guard lock(shared().mutex);
      shared().blocks[bin].push_back(memory);
    }
  } catch (const std::bad_alloc&) {
    give_back(memory, bin);
  }
}

MemoryStats stats() {
  report();
  return {system_allocations.load(), system_bytes.load(), in_use.load(), peak.load()};
}

void reset_peak() {
  report();
  peak = in_use.load();
}

void trim() {
  for (int bin = 0; bin < bins; ++bin) {
    for (void* block : cache.blocks[bin]) give_back(block, bin);
    cache.blocks[bin].clear();
  }
  std::lock_guard lock(shared().mutex);
  for (int bin = 0; bin < bins; ++bin) {
    for (void* block : shared().blocks[bin]) give_back(block, bin);
    shared().blocks[bin].clear();
  }
}

}  // namespace cpu_memory

Ref<Storage> Storage::allocate(size_t bytes, Device device) {
  Backend& backend = backend_for(device);
  return make_ref<Storage>(backend.allocate(bytes), bytes, device);
}

Storage::~Storage() { backend_for(device_).release(data_, bytes_); }

MemoryStats memory_stats(Device device) { return backend_for(device).memory_stats(); }

void reset_peak_memory(Device device) { backend_for(device).reset_peak_memory(); }

void release_cached_memory(Device device) { backend_for(device).release_cached_memory(); }

}  // namespace hebb
