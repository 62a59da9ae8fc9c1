#pragma once

#include "core/tensor.hpp"

namespace hebb {

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  ///< Share of the new batch in the running statistics.
};

/// Batch normalisation (Ioffe and Szegedy 2015) of x [N, C, H, W] by the batch's own mean and
/// biased variance for each channel; weight and bias [C]. Updates the running mean and (unbiased)
/// variance [C] in place, where they are defined. ValueError for one value a channel.
Tensor batch_norm2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const Tensor& running_mean, const Tensor& running_variance,
                    BatchNormOptions options = {});
/// The same by given statistics, as at inference. Differentiable in x, weight and bias.
Tensor batch_norm2d_inference(const Tensor& x, const Tensor& weight, const Tensor& bias,
                              const Tensor& mean, const Tensor& variance, double epsilon = 1e-5);

}  // namespace hebb
