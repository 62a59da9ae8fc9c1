#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

/// Pooling of x [N, C, H, W] over windows: [N, C, OH, OW] with
/// OH = (H + 2 pad - dilation (kernel - 1) - 1) / stride + 1, rounded down or, in ceil_mode, up.
/// ShapeError when a window is larger than the padded input, ValueError for a kernel, stride or
/// dilation under 1 or a padding over half a kernel. Padding that is not the same on both sides is
/// made by `pad` (core/ops/layout.hpp).
namespace HEBB_API hebb {

Tensor max_pool2d(const Tensor& x, const Pool2dOptions& options = {});  ///< First of equals.
/// Also where they stand: y W + x in their planes, int64, -1 for a window wholly in the padding.
/// The gradient is that of the values.
struct WithIndices {
  Tensor values, indices;
};
WithIndices max_pool2d_with_indices(const Tensor& x, const Pool2dOptions& options = {});
/// What of a window lies behind the padding never counts.
Tensor avg_pool2d(const Tensor& x, const Pool2dOptions& options = {});
Tensor global_avg_pool2d(const Tensor& x);  ///< [N, C].

}  // namespace hebb
