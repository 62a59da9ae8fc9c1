#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <vector>

#include "core/block_sizes.hpp"

namespace hebb::cuda {

/// Where a caching allocator gets its blocks from.
class BlockSource {
 public:
  virtual ~BlockSource() = default;
  virtual void* allocate(size_t bytes) = 0;  ///< Null when there is no memory.
  virtual void release(void* block) noexcept = 0;
  virtual size_t free_bytes() = 0;
  /// Waits until no work that was asked for touches a block any more.
  virtual void synchronize() = 0;
  /// A block goes out for `bytes` of it, or comes back: for those that look for mistakes.
  virtual void lent(void* block, size_t bytes, size_t block_bytes) = 0;
  virtual void returned(void* block, size_t bytes, size_t block_bytes) noexcept = 0;
};

/// Keeps freed blocks and gives them out again. For one stream: what was asked for before a block
/// was freed is done before what is asked for after it was given out again, so nothing waits.
/// Out of memory, it frees what it keeps and tries again, then throws a DeviceError that says how
/// much was asked for, held and free; the process can go on. Safe to call from several threads.
class CachingAllocator {
 public:
  explicit CachingAllocator(BlockSource& source) : source_(source) {}

  void* allocate(size_t bytes);
  void release(void* block, size_t bytes) noexcept;
  /// Gives the blocks that are not lent back to their source.
  void trim();

  struct Stats {
    size_t lent = 0, kept = 0;  ///< Bytes in blocks that are in use, and that are not.
    size_t peak = 0;            ///< Highest `lent` since reset_peak().
    long source_calls = 0;      ///< Blocks asked of the source so far.
  };
  Stats stats() const;
  void reset_peak();

  static constexpr size_t unit = 512;

 private:
  void trim_locked();

  BlockSource& source_;
  mutable std::mutex mutex_;
  std::array<std::vector<void*>, block_bins> blocks_;
  Stats stats_;
};

}  // namespace hebb::cuda
