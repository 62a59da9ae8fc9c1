#include "core/ops/optimize.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

void check_scalar(const char* where, const char* name, const Tensor& x, DType dtype,
                  const Tensor& like) {
  check(x.defined(), "[{}] expected {}, got an undefined tensor", where, name);
  check<DTypeError>(x.dtype() == dtype, "[{}] expected {} of type {}, got {}", where, name,
                    name_of(dtype), x);
  check<DeviceError>(x.device() == like.device(), "[{}] expected {} on {}, got {}", where, name,
                     like.device(), x);
  check_shape(where, {name, x}, {});
}

/// As check_operands, of what is never of bfloat16.
void check_wide(const char* where, Operand first, Operand second) {
  check_operands(where, {first, second});
  check<DTypeError>(is_wide(first.x.dtype()), "[{}] expected {} of float32 or float64, got {}",
                    where, first.name, first.x);
}

/// Checks all slots that have a gradient; gives the first of these gradients, if there is one.
Tensor check_slots(const char* where, std::span<const OptimizerSlot> slots,
                   const StepScalars& scalars, size_t moments,
                   std::initializer_list<const char*> names) {
  const Tensor* first = nullptr;
  for (const OptimizerSlot& slot : slots) {
    const Tensor& grad = slot.grad;
    if (!grad.defined()) continue;
    const auto check_like = [&](const char* name, const Tensor& x) {
      check_wide(where, {"grad", grad}, {name, x});
      check_shape(where, {name, x}, grad.shape());
    };
    check_like("parameter", slot.parameter);
    for (size_t i = 0; i < moments; ++i) check_like(names.begin()[i], slot.moments[i]);
    if (!first) {
      first = &grad;
      check_scalar(where, "lr", scalars.lr, DType::float64, grad);
      if (scalars.grad_scale.defined())
        check_scalar(where, "grad_scale", scalars.grad_scale, DType::float64, grad);
      if (scalars.steps.defined())
        check_scalar(where, "the number of steps", scalars.steps, DType::int64, grad);
    }
    check_wide(where, {"the first gradient", *first}, {"every gradient", grad});
    check_scalar(where, "steps", slot.steps, DType::int64, grad);
  }
  return first ? *first : Tensor();
}

void check_grads(const char* where, std::span<const Tensor> grads, double limit) {
  check(!grads.empty(), "[{}] expected at least one gradient, got none", where);
  check(limit > 0, "[{}] expected a limit over 0, got {}", where, limit);
  for (const Tensor& grad : grads)
    check_wide(where, {"the first gradient", grads[0]}, {"every gradient", grad});
}

}  // namespace

void sgd_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
              const SgdRule& rule) {
  const Tensor grad =
      check_slots("sgd_step", slots, scalars, rule.momentum != 0 ? 1 : 0, {"momentum"});
  if (grad.defined()) backend_of(grad)->sgd(slots, scalars, rule);
}

void adam_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
               const AdamRule& rule) {
  const Tensor grad = check_slots("adam_step", slots, scalars, 2, {"m", "v"});
  if (grad.defined()) backend_of(grad)->adam(slots, scalars, rule);
}

void nadam_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                const NadamRule& rule) {
  const Tensor grad = check_slots("nadam_step", slots, scalars, 2, {"m", "v"});
  if (!grad.defined()) return;
  for (const OptimizerSlot& slot : slots)
    if (slot.grad.defined())
      check_scalar("nadam_step", "mu_product", slot.mu_product, DType::float64, grad);
  backend_of(grad)->nadam(slots, scalars, rule);
}

Tensor clip_scale(std::span<const Tensor> grads, double limit) {
  check_grads("clip_scale", grads, limit);
  return backend_of(grads[0])->clip_scale(grads, limit).scale;
}

Tensor clip_norm(std::span<const Tensor> grads, double limit) {
  check_grads("clip_norm", grads, limit);
  const Backend::Clip clip = backend_of(grads[0])->clip_scale(grads, limit);
  backend_of(grads[0])->scale_all(grads, clip.scale);
  return clip.norm;
}

}  // namespace hebb
