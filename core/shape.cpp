#include "core/shape.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb {

int64_t checked_multiply(int64_t a, int64_t b, const char* where) {
  int64_t product = 0;
  check<ShapeError>(!__builtin_mul_overflow(a, b, &product),
                    "[{}] {} times {} elements are more than memory can address", where, a, b);
  return product;
}

Shape::Shape(std::span<const int64_t> extents) : rank_(int(extents.size())) {
  check<ShapeError>(extents.size() <= max_rank, "[shape] expected at most {} axes, got {}",
                    +max_rank, extents.size());
  bool empty = false;
  int64_t product = 1;
  for (int i = 0; i < rank_; ++i) {
    check<ShapeError>(extents[i] >= 0, "[shape] expected extents of at least 0, got {} on axis {}",
                      extents[i], i);
    extents_[i] = extents[i];
    if (extents[i] == 0) empty = true;
    product = checked_multiply(product, std::max<int64_t>(extents[i], 1), "shape");
  }
  numel_ = empty ? 0 : product;
}

int Shape::axis(int axis, const char* where) const {
  check<ShapeError>(axis >= -rank_ && axis < rank_,
                    "[{}] expected an axis in [{}, {}) for shape {}, got {}", where, -rank_, rank_,
                    *this, axis);
  return axis < 0 ? axis + rank_ : axis;
}

Shape Shape::with(int axis, int64_t extent) const {
  std::array<int64_t, max_rank> extents = extents_;
  extents[axis < 0 ? axis + rank_ : axis] = extent;
  return Shape(std::span<const int64_t>(extents.data(), rank_));
}

Shape Shape::without(int axis) const {
  std::array<int64_t, max_rank> extents{};
  const int removed = axis < 0 ? axis + rank_ : axis;
  std::copy_n(begin(), removed, extents.begin());
  std::copy(begin() + removed + 1, end(), extents.begin() + removed);
  return Shape(std::span<const int64_t>(extents.data(), rank_ - 1));
}

Shape Shape::inserted(int axis, int64_t extent) const {
  check<ShapeError>(rank_ < max_rank, "[shape] expected at most {} axes", +max_rank);
  std::array<int64_t, max_rank> extents{};
  std::copy_n(begin(), axis, extents.begin());
  extents[axis] = extent;
  std::copy(begin() + axis, end(), extents.begin() + axis + 1);
  return Shape(std::span<const int64_t>(extents.data(), rank_ + 1));
}

int64_t Shape::product(int from, int to) const {
  int64_t product = 1;
  for (int i = from; i < to; ++i) product *= extents_[i];
  return product;
}

std::string Shape::to_string() const { return fmt::format("[{}]", fmt::join(extents(), ", ")); }

bool operator==(const Shape& a, const Shape& b) {
  return a.rank_ == b.rank_ && std::equal(a.begin(), a.end(), b.begin());
}

Shape broadcast(const Shape& a, const Shape& b, const char* where) {
  if (a == b) return a;
  const int rank = std::max(a.rank(), b.rank());
  std::array<int64_t, Shape::max_rank> extents{};
  for (int i = 1; i <= rank; ++i) {
    const int64_t from_a = i <= a.rank() ? a[-i] : 1;
    const int64_t from_b = i <= b.rank() ? b[-i] : 1;
    check<ShapeError>(from_a == from_b || from_a == 1 || from_b == 1,
                      "[{}] expected shapes that broadcast, got {} and {}", where, a, b);
    extents[rank - i] = from_a == 1 ? from_b : from_a;
  }
  return Shape(std::span<const int64_t>(extents.data(), rank));
}

}  // namespace hebb
