#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// A vector whose first N elements need no heap. Elements are default-constructible.
template <class T, size_t N>
class InlineVector {
 public:
  InlineVector() = default;
  InlineVector(std::initializer_list<T> items) {
    for (const T& item : items) push_back(item);
  }

  void push_back(T item) {
    if (size_ < N)
      inline_[size_] = std::move(item);
    else
      rest_.push_back(std::move(item));
    ++size_;
  }

  size_t size() const { return size_; }
  T& operator[](size_t i) { return i < N ? inline_[i] : rest_[i - N]; }
  const T& operator[](size_t i) const { return i < N ? inline_[i] : rest_[i - N]; }

  void clear() {
    for (size_t i = 0; i < size_ && i < N; ++i) inline_[i] = T();
    rest_.clear();
    size_ = 0;
  }

 private:
  std::array<T, N> inline_{};
  std::vector<T> rest_;
  size_t size_ = 0;
};

}  // namespace hebb
