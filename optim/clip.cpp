#include "optim/clip.hpp"

#include <vector>

#include "core/ops/optimize.hpp"

namespace hebb {

Tensor clip_grad_norm(std::span<const NamedTensor> parameters, double limit) {
  // Kept between calls, so that a training step takes no memory for it.
  thread_local std::vector<Tensor> grads;
  grads.clear();
  for (const NamedTensor& parameter : parameters)
    if (Tensor grad = parameter.tensor.grad(); grad.defined()) grads.push_back(std::move(grad));
  if (grads.empty()) return {};
  Tensor norm = clip_norm(grads, limit);
  grads.clear();
  return norm;
}

}  // namespace hebb
