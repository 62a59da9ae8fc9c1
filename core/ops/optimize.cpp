#include "core/ops/optimize.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

void check_step(const char* where, const Tensor& grad, std::initializer_list<Operand> changed) {
  for (const Operand& operand : changed) {
    check_operands(where, {{"grad", grad}, operand});
    check_shape(where, operand, grad.shape());
  }
}

}  // namespace

void sgd_step(const Tensor& parameter, const Tensor& grad, const Tensor& momentum,
              const SgdStep& step) {
  check_step("sgd_step", grad, {{"parameter", parameter}});
  if (step.momentum != 0) check_step("sgd_step", grad, {{"momentum", momentum}});
  backend_of(grad)->sgd(parameter, grad, momentum, step);
}

void adam_step(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
               const AdamStep& step) {
  check_step("adam_step", grad, {{"parameter", parameter}, {"m", m}, {"v", v}});
  backend_of(grad)->adam(parameter, grad, m, v, step);
}

void nadam_step(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
                const NadamStep& step) {
  check_step("nadam_step", grad, {{"parameter", parameter}, {"m", m}, {"v", v}});
  backend_of(grad)->nadam(parameter, grad, m, v, step);
}

Tensor clip_norm(std::span<const Tensor> grads, double limit) {
  check(!grads.empty(), "[clip_norm] expected at least one gradient, got none");
  check(limit > 0, "[clip_norm] expected a limit over 0, got {}", limit);
  for (const Tensor& grad : grads)
    check_operands("clip_norm", {{"the first gradient", grads[0]}, {"every gradient", grad}});
  return backend_of(grads[0])->clip_norm(grads, limit);
}

}  // namespace hebb
