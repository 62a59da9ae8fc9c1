#include "gpu/allocator.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb::cuda {

void* CachingAllocator::allocate(size_t bytes) {
  const int bin = block_bin(bytes, unit);
  check<DeviceError>(bin < block_bins, "[cuda] expected at most {} bytes for a tensor, got {}",
                     block_size(block_bins - 1, unit), bytes);
  const size_t size = block_size(bin, unit);
  const std::lock_guard lock(mutex_);
  void* block = nullptr;
  if (!blocks_[size_t(bin)].empty()) {
    block = blocks_[size_t(bin)].back();
    blocks_[size_t(bin)].pop_back();
    stats_.kept -= size;
  } else {
    ++stats_.source_calls;
    block = source_.allocate(size);
    if (!block) {
      trim_locked();
      block = source_.allocate(size);
    }
    check<DeviceError>(block,
                       "[cuda] out of memory: asked for {} bytes, while tensors hold {} and {} are "
                       "free; use smaller batches",
                       size, stats_.lent, source_.free_bytes());
  }
  stats_.lent += size;
  stats_.peak = std::max(stats_.peak, stats_.lent);
  source_.lent(block, bytes, size);
  return block;
}

void CachingAllocator::release(void* block, size_t bytes) noexcept {
  const int bin = block_bin(bytes, unit);
  const size_t size = block_size(bin, unit);
  const std::lock_guard lock(mutex_);
  source_.returned(block, bytes, size);
  stats_.lent -= size;
  try {
    blocks_[size_t(bin)].push_back(block);
    stats_.kept += size;
  } catch (const std::bad_alloc&) {
    source_.release(block);
  }
}

void CachingAllocator::trim() {
  const std::lock_guard lock(mutex_);
  trim_locked();
}

void CachingAllocator::trim_locked() {
  source_.synchronize();
  for (std::vector<void*>& blocks : blocks_) {
    for (void* block : blocks) source_.release(block);
    blocks.clear();
  }
  stats_.kept = 0;
}

CachingAllocator::Stats CachingAllocator::stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void CachingAllocator::reset_peak() {
  const std::lock_guard lock(mutex_);
  stats_.peak = stats_.lent;
}

}  // namespace hebb::cuda
