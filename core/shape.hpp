#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "core/api.hpp"

namespace HEBB_API hebb {

class Shape;
bool operator==(const Shape& a, const Shape& b);  // here, or a shared library would hide it

/// The extents of a tensor, outermost first, at most `max_rank` of them. Rank 0 is a scalar.
/// Extents are never negative and their product always fits an int64_t: a constructor that is
/// given anything else throws a ShapeError.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<int64_t> extents)
      : Shape(std::span<const int64_t>(extents.begin(), extents.size())) {}
  explicit Shape(std::span<const int64_t> extents);

  int rank() const { return rank_; }
  int64_t numel() const { return numel_; }
  /// Extent of an axis; negative axes count from the end.
  int64_t operator[](int axis) const { return extents_[axis < 0 ? axis + rank_ : axis]; }
  std::span<const int64_t> extents() const { return {extents_.data(), size_t(rank_)}; }
  const int64_t* begin() const { return extents_.data(); }
  const int64_t* end() const { return extents_.data() + rank_; }

  /// The axis in 0..rank-1 that `axis` (which may be negative) means; ShapeError when there is
  /// none, with `where` as the place.
  int axis(int axis, const char* where) const;
  /// This shape with one extent replaced, removed, or inserted before `axis`.
  Shape with(int axis, int64_t extent) const;
  Shape without(int axis) const;
  Shape inserted(int axis, int64_t extent) const;
  /// Product of the extents in [from, to).
  int64_t product(int from, int to) const;

  std::string to_string() const;  ///< "[100, 1, 28, 28]"
  friend bool operator==(const Shape& a, const Shape& b);

 private:
  std::array<int64_t, max_rank> extents_{};
  int64_t numel_ = 1;
  int rank_ = 0;
};

/// The shape that two operands of an elementwise operation have together (NumPy's rule: extents
/// are aligned at the end, and 1 stretches). ShapeError when they do not fit, with `where`.
Shape broadcast(const Shape& a, const Shape& b, const char* where);

/// a * b for sizes that come from outside; ShapeError on overflow.
int64_t checked_multiply(int64_t a, int64_t b, const char* where);

}  // namespace hebb
