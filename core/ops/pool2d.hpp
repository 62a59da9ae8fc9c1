#pragma once

#include "core/options.hpp"
#include "core/tensor.hpp"

/// Pooling of x [N, C, H, W] over windows: [N, C, OH, OW] with
/// OH = (H + 2 pad - kernel) / stride + 1, rounded down. ShapeError when a window is larger than
/// the padded input, ValueError for a kernel or stride under 1 or a padding over half a kernel.
namespace hebb {

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options = {});  ///< First of equals.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options = {});  ///< Padding counts as 0.
Tensor global_avg_pool2d(const Tensor& x);                              ///< [N, C].

}  // namespace hebb
