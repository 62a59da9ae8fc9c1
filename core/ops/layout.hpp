#pragma once

#include <initializer_list>
#include <span>

#include "core/api.hpp"
#include "core/tensor.hpp"

/// Moving data about. `Tensor::reshape` and `Tensor::slice` are views and stand in tensor.hpp.
namespace HEBB_API hebb {

/// Joins tensors that agree in all extents but that of `axis`. ValueError for none.
Tensor concat(std::span<const Tensor> parts, int axis = 0);
/// Elements [begin, begin + length) along any axis, copied. ShapeError when they are not there.
Tensor narrow(const Tensor& x, int axis, int64_t begin, int64_t length);
/// x with `value` around it, `padding` elements before and after: pairs, the last axis first, as
/// {left, right, top, bottom} for images. ValueError for an odd number of them, more than two an
/// axis, or one below 0.
Tensor pad(const Tensor& x, std::span<const int64_t> padding, double value = 0);
inline Tensor pad(const Tensor& x, std::initializer_list<int64_t> padding, double value = 0) {
  return pad(x, std::span<const int64_t>(padding.begin(), padding.size()), value);
}
/// Axis axes[i] of x becomes axis i, copied; axes may be negative. ShapeError unless each axis
/// stands there once.
Tensor permute(const Tensor& x, std::span<const int> axes);
inline Tensor permute(const Tensor& x, std::initializer_list<int> axes) {
  return permute(x, std::span<const int>(axes.begin(), axes.size()));
}
/// Two axes change places: for a matrix and axes 0 and 1, its transpose.
Tensor transpose(const Tensor& x, int axis0, int axis1);
/// Rows x[indices[i]] of x [R, ...] for indices int64 [N]: [N, ...]; negative ones count from the
/// end. ValueError for an index outside [-R, R) (on the CPU). A row that is taken twice gets the
/// sum of the gradients.
Tensor gather_rows(const Tensor& x, const Tensor& indices);
/// The same along any axis.
Tensor index_select(const Tensor& x, int axis, const Tensor& indices);
/// Elements along an axis: where it is the first of three, y[i][j][k] = x[indices[i][j][k]][j][k].
/// y has the shape of indices (int64), which is at most x's in the other axes; else as gather_rows.
Tensor gather(const Tensor& x, int axis, const Tensor& indices);

}  // namespace hebb
