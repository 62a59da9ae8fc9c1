#pragma once

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// A parameter as a step of an optimiser sees it, all on one device.
struct OptimizerSlot {
  Tensor parameter;
  Tensor grad;  ///< Undefined: the parameter stays as it is, and so does `steps`.
  /// SGD's momentum buffer, or the running means of the gradient and its square.
  Tensor moments[2];
  Tensor steps;       ///< How many steps have changed the parameter: int64 [], and each adds 1.
  Tensor mu_product;  ///< NAdam's product of the momenta of these steps: float64 [].
  double lr_scale = 1, weight_decay_scale = 1;  ///< Times what all parameters have.
};

/// What a step is told in device memory, where it may change without the step being told anew.
struct StepScalars {
  Tensor lr;               ///< float64 []
  Tensor grad_scale = {};  ///< What gradients are multiplied by, float64 []; undefined: 1.
  Tensor steps = {};       ///< int64 [], and each step adds 1; may be undefined.
};

}  // namespace hebb
