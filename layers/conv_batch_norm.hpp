#pragma once

#include "core/api.hpp"
#include "layers/batch_norm2d.hpp"
#include "layers/conv2d.hpp"

namespace HEBB_API hebb {

/// norm(conv(x)) and its tail, relu(... + residual), for two modules that follow each other, with
/// no pass over the memory for the normalisation alone: a ReLU and a residual are added in its own
/// pass, and where there are none at inference, it is folded into the convolution's weight. (For a
/// context that observes, every module runs for itself.)
Tensor conv_batch_norm(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x,
                       Context& context, const NormTail& tail = {});

}  // namespace hebb
