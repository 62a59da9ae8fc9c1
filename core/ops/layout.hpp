#pragma once

#include <span>

#include "core/tensor.hpp"

/// Moving data about. `Tensor::reshape` and `Tensor::slice` are views and stand in tensor.hpp.
namespace hebb {

/// Joins tensors that agree in all extents but that of `axis`. ValueError for none.
Tensor concat(std::span<const Tensor> parts, int axis = 0);
/// Elements [begin, begin + length) along any axis, copied. ShapeError when they are not there.
Tensor narrow(const Tensor& x, int axis, int64_t begin, int64_t length);
/// Rows x[indices[i]] of x [R, ...] for indices int64 [N]: [N, ...]. ValueError for an index
/// outside [0, R) (on the CPU). A row that is taken twice gets the sum of the gradients.
Tensor gather_rows(const Tensor& x, const Tensor& indices);

}  // namespace hebb
