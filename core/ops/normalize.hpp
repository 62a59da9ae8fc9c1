#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Batch normalisation (Ioffe and Szegedy 2015) of x [N, C, H, W], with what follows it in residual
/// networks in the same pass:
///
///   y = (x - mean) / √(variance + epsilon) weight + bias + residual
///
/// and the larger of that and 0 with options.relu. Weight and bias [C] and residual (like x) may be
/// undefined; differentiable in these and in x. Training takes each channel's mean and biased
/// variance over the batch, and moves the running mean and (unbiased) variance [C] in place, where
/// they are defined; otherwise these are what it takes. ValueError for training with one value a
/// channel.
Tensor batch_norm2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const Tensor& running_mean, const Tensor& running_variance,
                    const BatchNormOptions& options = {}, const Tensor& residual = {});

}  // namespace hebb
