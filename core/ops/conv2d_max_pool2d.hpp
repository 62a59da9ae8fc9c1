#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// max_pool2d(conv2d(x, weight, bias, options.conv), options.pool) and, with `options.relu`, relu
/// of it, to the bit, gradients included: some devices compute all of it at once. Arguments and
/// errors are those of the operations that it stands for (conv2d.hpp, pool2d.hpp).
Tensor conv2d_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
                         const ConvPoolOptions& options = {});

}  // namespace hebb
