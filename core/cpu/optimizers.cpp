#include <cmath>

#include "core/cpu/cpu_backend.hpp"
#include "core/optimizer_steps.hpp"

namespace hebb::cpu {
namespace {

/// Counts a step of a parameter.
StepOf next_step(const OptimizerSlot& slot, const StepScalars& scalars) {
  return {*data_of<double>(scalars.lr) * slot.lr_scale, slot.weight_decay_scale,
          ++*data_of<int64_t>(slot.steps)};
}

}  // namespace

// Gradients are scaled in a pass of their own: only steps that are clipped have it.
void CpuBackend::begin_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars) {
  if (scalars.steps.defined()) ++*data_of<int64_t>(scalars.steps);
  if (!scalars.grad_scale.defined()) return;
  for (const OptimizerSlot& slot : slots)
    if (slot.grad.defined()) scale_all({&slot.grad, 1}, scalars.grad_scale);
}

void CpuBackend::sgd(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                     const SgdRule& rule) {
  begin_step(slots, scalars);
  for (const OptimizerSlot& slot : slots) {
    if (!slot.grad.defined()) continue;
    const SgdStep step = at_step(rule, next_step(slot, scalars));
    dispatch(slot.grad.dtype(), [&]<class T>(const Kernels<T>& k) {
      k.sgd(slot.grad.numel(), data_of<T>(slot.parameter), data_of<T>(slot.grad),
            data_or_null<T>(slot.moments[0]), step);
    });
  }
}

void CpuBackend::adam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                      const AdamRule& rule) {
  begin_step(slots, scalars);
  StepOf last;  // most parameters stand where the one before does
  AdamStep step{};
  for (const OptimizerSlot& slot : slots) {
    if (!slot.grad.defined()) continue;
    const StepOf now = next_step(slot, scalars);
    if (now != last) step = at_step(rule, last = now);
    dispatch(slot.grad.dtype(), [&]<class T>(const Kernels<T>& k) {
      k.adam(slot.grad.numel(), data_of<T>(slot.parameter), data_of<T>(slot.grad),
             data_of<T>(slot.moments[0]), data_of<T>(slot.moments[1]), step);
    });
  }
}

void CpuBackend::nadam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                       const NadamRule& rule) {
  begin_step(slots, scalars);
  for (const OptimizerSlot& slot : slots) {
    if (!slot.grad.defined()) continue;
    const StepOf now = next_step(slot, scalars);
    double& product = *data_of<double>(slot.mu_product);
    product *= mu_at(rule, now.number);
    const NadamStep step = at_step(rule, now, product);
    dispatch(slot.grad.dtype(), [&]<class T>(const Kernels<T>& k) {
      k.nadam(slot.grad.numel(), data_of<T>(slot.parameter), data_of<T>(slot.grad),
              data_of<T>(slot.moments[0]), data_of<T>(slot.moments[1]), step);
    });
  }
}

Backend::Clip CpuBackend::clip_scale(std::span<const Tensor> grads, double limit) {
  double squares = 0;
  for (const Tensor& grad : grads)
    squares += dispatch(grad.dtype(), [&]<class T>(const Kernels<T>& k) {
      return k.sum_squares(grad.numel(), data_of<T>(grad));
    });
  const TensorOptions options{.dtype = DType::float64};
  const Clip clip{Tensor::empty({}, options), Tensor::empty({}, options)};
  *data_of<double>(clip.norm) = std::sqrt(squares);
  const double scale = limit / (std::sqrt(squares) + 1e-6);
  *data_of<double>(clip.scale) = scale >= 1 ? 1 : scale;  // NaN stays NaN
  return clip;
}

void CpuBackend::scale_all(std::span<const Tensor> x, const Tensor& scale) {
  const double factor = *data_of<double>(scale);
  if (factor == 1) return;
  for (const Tensor& each : x)
    dispatch(each.dtype(), [&]<class T>(const Kernels<T>& k) {
      k.scale(each.numel(), factor, data_of<T>(each));
    });
}

}  // namespace hebb::cpu
