#pragma once

#include "core/backend.hpp"
#include "core/tensor.hpp"

/// Pooling of x [N, C, H, W] over windows: [N, C, OH, OW] with
/// OH = (H + 2 pad - kernel) / stride + 1, rounded down. Padding is at most half a kernel.
namespace hebb {

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options = {});  ///< First of equals.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options = {});  ///< Padding counts as 0.
Tensor global_avg_pool2d(const Tensor& x);                              ///< [N, C].

}  // namespace hebb
