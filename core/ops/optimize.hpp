#pragma once

#include <span>

#include "core/options.hpp"
#include "core/tensor.hpp"

/// Steps of optimisers, in place and fused: a parameter and its moments, all in the gradient's
/// shape, change in one pass. Formulas as in PyTorch's torch.optim.
namespace hebb {

/// `momentum` may be undefined where step.momentum is 0.
void sgd_step(const Tensor& parameter, const Tensor& grad, const Tensor& momentum,
              const SgdStep& step);
/// m and v are the running means of the gradient and its square.
void adam_step(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
               const AdamStep& step);
void nadam_step(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
                const NadamStep& step);

/// Scales gradients in place so that their common 2-norm is at most `limit`; gives the norm before,
/// a float64 scalar on their device.
Tensor clip_norm(std::span<const Tensor> grads, double limit);

}  // namespace hebb
