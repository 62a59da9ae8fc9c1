#pragma once

#include <atomic>
#include <cstddef>
#include <new>
#include <utility>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// Small objects of the engine (tensor handles' bodies, graph nodes) come from per-thread free
/// lists: a training step makes and drops a few hundred of them.
namespace pool {
void* allocate(size_t bytes);
void release(void* memory, size_t bytes) noexcept;
}  // namespace pool

/// Base of what `Ref` counts. Derived classes are allocated from the pool.
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;
  virtual ~RefCounted() = default;

  void retain() const noexcept { count_.fetch_add(1, std::memory_order_relaxed); }
  void release() const noexcept {
    // The last owner needs no locked instruction: nobody else can be counting.
    if (count_.load(std::memory_order_acquire) == 1 ||
        count_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }
  bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

  static void* operator new(size_t bytes) { return pool::allocate(bytes); }
  static void operator delete(void* memory, size_t bytes) noexcept { pool::release(memory, bytes); }

 private:
  mutable std::atomic<int> count_{0};
};

/// A counted pointer; one word, unlike std::shared_ptr.
template <class T>
class Ref {
 public:
  Ref() = default;
  explicit Ref(T* object) : object_(object) {
    if (object_) object_->retain();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  template <class Derived>
  Ref(Ref<Derived>&& other) noexcept : object_(other.detach()) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_) object_->release();
  }

  T* get() const noexcept { return object_; }
  T* operator->() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  T* detach() noexcept { return std::exchange(object_, nullptr); }

 private:
  T* object_ = nullptr;
};

template <class T, class... Args>
Ref<T> make_ref(Args&&... args) {
  return Ref<T>(new T(std::forward<Args>(args)...));
}

}  // namespace hebb
