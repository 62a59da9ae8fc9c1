#include "gpu/allocator.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb::cuda {
namespace {

thread_local Arena* opened = nullptr;

}  // namespace

void* CachingAllocator::allocate(size_t bytes) {
  const int bin = block_bin(bytes, unit);
  check<DeviceError>(bin < block_bins, "[cuda] expected at most {} bytes for a tensor, got {}",
                     block_size(block_bins - 1, unit), bytes);
  const size_t size = block_size(bin, unit);
  if (Arena* arena = open_arena()) {
    if (void* block = arena->take(bin)) {
      source_.lent(block, bytes, size);
      return block;
    }
    const std::function<void()> on_full = arena->on_full_;  // the arena may go
    on_full();
  }
  const std::lock_guard lock(mutex_);
  void* block = find_locked(bin);
  if (!block) {
    trim_locked();
    block = find_locked(bin);
  }
  check<DeviceError>(block,
                     "[cuda] out of memory: asked for {} bytes, while tensors hold {} and {} are "
                     "free; use smaller batches",
                     size, stats_.lent, source_.free_bytes());
  source_.lent(block, bytes, size);
  return block;
}

void* CachingAllocator::find_locked(int bin) {
  const size_t size = block_size(bin, unit);
  std::vector<void*>& blocks = blocks_[size_t(bin)];
  void* block = nullptr;
  if (!blocks.empty()) {
    block = blocks.back();
    blocks.pop_back();
    stats_.kept -= size;
  } else {
    ++stats_.source_calls;
    block = source_.allocate(size);
  }
  if (!block) return nullptr;
  stats_.lent += size;
  stats_.peak = std::max(stats_.peak, stats_.lent);
  return block;
}

void CachingAllocator::release(void* block, size_t bytes) noexcept {
  const int bin = block_bin(bytes, unit);
  const size_t size = block_size(bin, unit);
  if (Arena* arena = open_arena()) {
    if (!arena->owns(block)) return arena->keep(block, bytes);
    source_.returned(block, bytes, size);
    return arena->give_back(block, bin);
  }
  const std::lock_guard lock(mutex_);
  source_.returned(block, bytes, size);
  put_locked(block, bin);
}

void CachingAllocator::put_locked(void* block, int bin) noexcept {
  const size_t size = block_size(bin, unit);
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

Arena* CachingAllocator::open_arena() const {
  return opened && &opened->memory_ == this ? opened : nullptr;
}

Arena::~Arena() {
  close();
  {
    const std::lock_guard lock(memory_.mutex_);
    for (int bin = 0; bin < block_bins; ++bin)
      for (void* block : blocks_[size_t(bin)]) memory_.put_locked(block, bin);
  }
  for (const auto& [block, bytes] : others_) memory_.release(block, bytes);
}

void Arena::open() { opened = this; }

void Arena::close() {
  if (opened == this) opened = nullptr;
}

void* Arena::take(int bin) {
  std::vector<void*>& blocks = blocks_[size_t(bin)];
  if (!blocks.empty()) {
    void* block = blocks.back();
    blocks.pop_back();
    --unused_;
    return block;
  }
  const std::lock_guard lock(memory_.mutex_);
  void* block = memory_.find_locked(bin);
  if (!block) return nullptr;
  own_.insert(block);
  bytes_ += block_size(bin, CachingAllocator::unit);
  // Room for it to come back, which may not fail.
  blocks.reserve(own_.size());
  return block;
}

void Arena::give_back(void* block, int bin) noexcept {
  blocks_[size_t(bin)].push_back(block);
  ++unused_;
}

void Arena::keep(void* block, size_t bytes) noexcept {
  ++other_count_;
  try {
    others_.emplace_back(block, bytes);
  } catch (const std::bad_alloc&) {  // better lost than somebody else's
  }
}

}  // namespace hebb::cuda
