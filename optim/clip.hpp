#pragma once

#include <span>

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// Scales the gradients of `parameters` in place so that their common 2-norm is at most `limit`
/// (Pascanu et al. 2013). Returns the norm before, a float64 scalar on the parameters' device;
/// undefined when no parameter has a gradient. Does not wait for the device. ValueError unless the
/// limit is above 0.
Tensor clip_grad_norm(std::span<const NamedTensor> parameters, double limit);

}  // namespace hebb
