#pragma once

#include <initializer_list>
#include <span>

#include "core/api.hpp"
#include "core/tensor.hpp"
#include "core/weighted.hpp"

/// Reductions. Axes may be negative; no axes means all of them. Reduced axes disappear unless
/// `keep_axes`. ShapeError for an axis that is not there or is named twice.
namespace HEBB_API hebb {

struct ReduceOptions {
  bool keep_axes = false;
};

Tensor sum(const Tensor& x, std::span<const int> axes = {}, ReduceOptions options = {});
Tensor mean(const Tensor& x, std::span<const int> axes = {}, ReduceOptions options = {});
inline Tensor sum(const Tensor& x, std::initializer_list<int> axes, ReduceOptions options = {}) {
  return sum(x, std::span<const int>(axes.begin(), axes.size()), options);
}
inline Tensor mean(const Tensor& x, std::initializer_list<int> axes, ReduceOptions options = {}) {
  return mean(x, std::span<const int>(axes.begin(), axes.size()), options);
}

Tensor sum_abs(const Tensor& x, std::span<const int> axes = {});     ///< Σ|x|, in one pass.
Tensor sum_square(const Tensor& x, std::span<const int> axes = {});  ///< Σx², in one pass.

/// Largest element along an axis; the gradient goes to the first of equals. NaN wins.
/// ShapeError when that axis is empty.
Tensor max(const Tensor& x, int axis, ReduceOptions options = {});
/// Over several axes; the first of equals is that of row-major order.
Tensor max(const Tensor& x, std::span<const int> axes = {}, ReduceOptions options = {});
inline Tensor max(const Tensor& x, std::initializer_list<int> axes, ReduceOptions options = {}) {
  return max(x, std::span<const int>(axes.begin(), axes.size()), options);
}
struct ArgmaxOptions {
  bool keep_axes = false;
  bool last = false;  ///< The last of equals, not the first.
};

/// Where the largest element stands (int64); not differentiable.
Tensor argmax(const Tensor& x, int axis, ArgmaxOptions options = {});
/// How many elements of two int64 tensors of one shape are equal: an int64 scalar.
Tensor count_equal(const Tensor& a, const Tensor& b);

/// sums[i] += weight · value of term i, in place, for float64 sums [n] and n terms on one device:
/// metrics are added up there, and nobody waits for them. Nothing flows back.
void accumulate(const Tensor& sums, std::span<const Weighted> terms);

}  // namespace hebb
