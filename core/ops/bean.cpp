#include "core/ops/bean.hpp"

#include <cmath>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

void check_scales(const Tensor& scales, const Tensor& h, const Tensor& weight) {
  check<ShapeError>(weight.rank() == 3, "[bean_penalty] expected scales for replicas alone, got {}",
                    scales.shape());
  check<DTypeError>(scales.dtype() == DType::float64,
                    "[bean_penalty] expected scales of float64, got {}", scales);
  check<DeviceError>(scales.device() == h.device(), "[bean_penalty] expected scales on {}, got {}",
                     h.device(), scales);
  check_shape("bean_penalty", {"scales", scales}, {weight.size(0)});
}

}  // namespace

Tensor bean_penalty(const Tensor& activations, const Tensor& weight, const BeanKernel& kernel,
                    const Tensor& scales) {
  const Tensor h = widened(activations);
  check_operands("bean_penalty", {{"h", h}, {"weight", weight}});
  check_rows("bean_penalty", {"h", h}, "S", {"weight", weight}, "[M, N]");
  check(h.numel() > 0 && weight.numel() > 0,
        "[bean_penalty] expected at least one sample and neuron, got h {} and weight {}", h.shape(),
        weight.shape());
  check(kernel.order == 1 || kernel.order == 2, "[bean_penalty] expected order 1 or 2, got {}",
        kernel.order);
  check(std::isfinite(kernel.gamma) && kernel.gamma > 0,
        "[bean_penalty] expected gamma over 0, got {}", kernel.gamma);
  if (scales.defined()) check_scales(scales, h, weight);
  const bool recording = grad_enabled();
  const Backend::WithGrad penalty =
      backend_of(h)->bean(h, weight, kernel, scales, recording && h.requires_grad(),
                          recording && weight.requires_grad());
  return record("bean_penalty", penalty.value, {h, weight},
                [dh = penalty.grad, dweight = penalty.grad2](const Tensor& dy, Needs needs) {
                  const ActiveBackend backend = backend_of(dy);
                  return Grads{needs[0] ? backend->scale_by(dh, dy) : Tensor(),
                               needs[1] ? backend->scale_by(dweight, dy) : Tensor()};
                });
}

}  // namespace hebb
