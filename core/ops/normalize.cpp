#include "core/ops/normalize.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

constexpr const char* batch_norm_where = "batch_norm2d";

void check_optional(const Tensor& x, Operand parameter, const Shape& shape) {
  if (!parameter.x.defined()) return;
  check_parameter(batch_norm_where, {"input", x}, parameter);
  check_shape(batch_norm_where, parameter, shape);
}

Tensor detached(const Tensor& x) { return x.defined() ? x.detach() : x; }

}  // namespace

Tensor batch_norm2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const Tensor& running_mean, const Tensor& running_variance,
                    const BatchNormOptions& options, const Tensor& residual) {
  check_operands(batch_norm_where, {{"input", x}});
  check_images(batch_norm_where, {"input", x});
  const Shape channels{x.size(1)};
  check_optional(x, {"weight", weight}, channels);
  check_optional(x, {"bias", bias}, channels);
  check_optional(x, {"running_mean", running_mean}, channels);
  check_optional(x, {"running_variance", running_variance}, channels);
  if (residual.defined()) {
    check_operands(batch_norm_where, {{"input", x}, {"residual", residual}});
    check_shape(batch_norm_where, {"residual", residual}, x.shape());
  }
  check(options.epsilon > 0, "[{}] expected epsilon over 0, got {}", batch_norm_where,
        options.epsilon);
  check(options.momentum >= 0 && options.momentum <= 1, "[{}] expected momentum in [0, 1], got {}",
        batch_norm_where, options.momentum);
  check(!options.training || x.size(0) * x.size(2) * x.size(3) > 1,
        "[{}] expected more than one value for each channel, got input {}", batch_norm_where,
        x.shape());
  check(options.training || (running_mean.defined() && running_variance.defined()),
        "[{}] expected running statistics for a pass that does not train, got none",
        batch_norm_where);

  const Backend::WithSaved result =
      backend_of(x)->batch_norm(x.detach(), detached(weight), detached(bias), detached(residual),
                                detached(running_mean), detached(running_variance), options);
  return record(batch_norm_where, result.y, {x, weight, bias, residual},
                [saved = result.saved, options](const Tensor& dy, Needs needs) {
                  auto [dx, dweight, dbias, dresidual] =
                      backend_of(dy)->batch_norm_backward(dy, saved, needs[3], options);
                  return Grads{dx, dweight, dbias, dresidual};
                });
}

}  // namespace hebb
