#pragma once

#include <span>

#include "core/api.hpp"
#include "core/optimizer_slot.hpp"
#include "core/options.hpp"

/// Steps of optimisers, in place and fused: parameters and their moments, all in the shapes of the
/// gradients, change in one pass. Formulas as in PyTorch's torch.optim. All tensors are on one
/// device and gradients of one type. Gradients may be changed, where they are scaled.
namespace HEBB_API hebb {

/// Momentum buffers may be undefined where rule.momentum is 0.
void sgd_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
              const SgdRule& rule);
void adam_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
               const AdamRule& rule);
void nadam_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                const NadamRule& rule);

/// What brings the common 2-norm of gradients down to `limit` when they are multiplied by it, at
/// most 1, as a float64 scalar on their device. As in torch.nn.utils.clip_grad_norm_:
/// limit / (norm + 1e-6).
Tensor clip_scale(std::span<const Tensor> grads, double limit);
/// Multiplies by that in place; gives the norm before, a float64 scalar on the device.
Tensor clip_norm(std::span<const Tensor> grads, double limit);

}  // namespace hebb
