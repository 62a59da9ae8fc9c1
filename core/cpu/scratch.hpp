#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "core/huge_pages.hpp"

namespace hebb::cpu::HEBB_ISA {

namespace detail {

/// One thread's stack of scratch memory. It grows by whole chunks while something lives in it, and
/// becomes one chunk of the largest size seen once it is empty, so that a repeated computation
/// asks the system for memory only the first time.
class Arena {
 public:
  struct Chunk {
    Chunk* below;
    size_t size, used;
  };
  static constexpr size_t alignment = 64;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;
  ~Arena() {
    while (top_) pop();
  }

  void* take(size_t bytes) {
    bytes = padded(bytes);
    if (top_ && top_->used == 0 && top_->size < bytes) pop();  // or each computation asks again
    if (!top_ || top_->size - top_->used < bytes) push(bytes);
    void* p = reinterpret_cast<std::byte*>(top_) + alignment + top_->used;
    top_->used += bytes;
    live_ += bytes;
    if (live_ > peak_) peak_ = live_;
    return p;
  }

  void give_back(size_t bytes) {
    bytes = padded(bytes);
    top_->used -= bytes;
    live_ -= bytes;
    if (top_->used == 0 && (top_->below || top_->size < peak_)) pop();
  }

 private:
  static size_t padded(size_t bytes) { return bytes / alignment * alignment + alignment; }
  void push(size_t bytes) {
    const size_t size = top_ ? bytes : (peak_ > bytes ? peak_ : bytes);
    void* p = ::operator new(size + alignment, std::align_val_t(alignment));
    prefer_huge_pages(p, size);
    top_ = ::new (p) Chunk{top_, size, 0};
  }
  void pop() {
    Chunk* below = top_->below;
    ::operator delete(top_, std::align_val_t(alignment));
    top_ = below;
  }

  Chunk* top_ = nullptr;
  size_t live_ = 0, peak_ = 0;
};

static_assert(sizeof(Arena::Chunk) <= Arena::alignment);

inline thread_local Arena arena;

}  // namespace detail

/// n uninitialised elements of this thread's scratch memory, 64-byte aligned, for the life of the
/// object. Objects die in the reverse order of their birth, as local variables do.
template <class T>
class Scratch {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_default_constructible_v<T>);

 public:
  explicit Scratch(int64_t n) : bytes_(size_t(n) * sizeof(T)) {
    data_ = static_cast<T*>(detail::arena.take(bytes_));
  }
  ~Scratch() { detail::arena.give_back(bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  T* data() const { return data_; }
  T& operator[](int64_t i) const { return data_[i]; }

 private:
  size_t bytes_;
  T* data_;
};

}  // namespace hebb::cpu::HEBB_ISA
