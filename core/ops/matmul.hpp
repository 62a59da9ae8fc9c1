#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
};

/// Product of two matrices, [M, K] times [K, N], each transposed first where asked. Axes before the
/// last two are batches of matrices, and broadcast against each other. ShapeError when operands are
/// not matrices or do not fit.
Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options = {});

/// x Wᵀ + bias for x [N, in], weight [out, in], bias [out] or undefined; gives [N, out]. Or for
/// each of R replicas: x [R, N, in], weight [R, out, in], bias [R, out]; gives [R, N, out]. With
/// `relu`, relu(x Wᵀ + bias), to the bit, which some devices compute at once.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const LinearOptions& options = {});

}  // namespace hebb
