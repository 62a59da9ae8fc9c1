#pragma once

#include "core/options.hpp"
#include "core/tensor.hpp"

namespace hebb {

/// Cross-correlation of x [N, C, H, W] with weight [O, C, KH, KW], plus bias [O] where defined;
/// gives [N, O, OH, OW] with OH = (H + 2 pad - dilation (KH - 1) - 1) / stride + 1, rounded down.
/// ShapeError when the channels differ or the dilated kernel is larger than the padded input,
/// ValueError for a stride or dilation under 1 or a negative padding. N may be 0.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});

}  // namespace hebb
