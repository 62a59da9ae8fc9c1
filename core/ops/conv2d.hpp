#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Cross-correlation of x [N, C, H, W] with weight [O, C / groups, KH, KW], plus bias [O] where
/// defined; gives [N, O, OH, OW] with OH = (H + 2 pad - dilation (KH - 1) - 1) / stride + 1,
/// rounded down. Or for each of R replicas, in one group: x [R, N, C, H, W], weight
/// [R, O, C, KH, KW], bias [R, O]. ShapeError when the channels differ or the dilated kernel is
/// larger than the padded input, ValueError for a stride or dilation under 1, a negative padding or
/// groups that do not divide O. N may be 0. Padding that is not the same on both sides is made by
/// `pad` (core/ops/layout.hpp).
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});

}  // namespace hebb
