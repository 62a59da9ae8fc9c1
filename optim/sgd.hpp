#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "optim/optimizer.hpp"

namespace HEBB_API hebb {

struct SgdOptions {
  double lr = 1e-2;
  double momentum = 0;
  double dampening = 0;     ///< Share of the gradient that is kept out of the momentum.
  double weight_decay = 0;  ///< Added to the gradient, times the parameter.
  bool nesterov = false;    ///< Needs momentum and no dampening.
};

/// Stochastic gradient descent as torch.optim.SGD has it: with g = ∇ + decay θ, the buffer b is g
/// at first and then momentum · b + (1 - dampening) g, and θ falls by lr · b (with Nesterov's
/// momentum by lr · (g + momentum · b)).
class Sgd final : public Optimizer {
 public:
  /// ValueError for options out of their range.
  explicit Sgd(std::vector<NamedTensor> parameters, const SgdOptions& options = {},
               const std::vector<ParameterGroup>& groups = {});

 private:
  void update(const StepScalars& scalars) override;

  SgdRule rule_;
};

}  // namespace hebb
