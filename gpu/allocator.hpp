#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <mutex>
#include <unordered_set>
#include <utility>
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

class Arena;

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
  friend class Arena;
  /// That of the calling thread, if it is open and of this allocator.
  Arena* open_arena() const;
  /// A block of a size that is lent from then on; null when there is no memory.
  void* find_locked(int bin);
  void put_locked(void* block, int bin) noexcept;
  void trim_locked();

  BlockSource& source_;
  mutable std::mutex mutex_;
  std::array<std::vector<void*>, block_bins> blocks_;
  Stats stats_;
};

/// Blocks of work that is recorded, and repeated in the same memory: nobody else's as long as the
/// arena lives. While it is open, the thread that opened it is served from here; what it frees it
/// is given again.
class Arena {
 public:
  /// `on_full` is called where there is no memory for a block, and has to close the arena.
  Arena(CachingAllocator& memory, std::function<void()> on_full)
      : memory_(memory), on_full_(std::move(on_full)) {}
  /// The allocator has it all back, but for what is still lent.
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  void open();
  void close();
  size_t bytes() const { return bytes_; }
  size_t lent() const { return own_.size() - unused_; }  ///< Blocks that have not come back.
  /// Blocks that were freed while it was open and are none of its own. They go back with it.
  size_t others() const { return other_count_; }

 private:
  friend class CachingAllocator;
  bool owns(void* block) const { return own_.contains(block); }
  void* take(int bin);
  void give_back(void* block, int bin) noexcept;
  void keep(void* block, size_t bytes) noexcept;  // one of the others

  CachingAllocator& memory_;
  std::function<void()> on_full_;
  std::unordered_set<void*> own_;
  std::array<std::vector<void*>, block_bins> blocks_;  // those that are not lent
  size_t unused_ = 0, bytes_ = 0, other_count_ = 0;
  std::vector<std::pair<void*, size_t>> others_;
};

}  // namespace hebb::cuda
