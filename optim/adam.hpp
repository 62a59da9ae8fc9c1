#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "optim/optimizer.hpp"

namespace HEBB_API hebb {

struct AdamOptions {
  double lr = 1e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< Added to the gradient, times the parameter; or, where
  bool decoupled = false;  ///< true, the parameter shrinks by lr · decay · θ apart from it: AdamW.
};

/// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019) as torch.optim has them: with
/// m and v the running means of the gradient and its square, θ falls by lr · m̂ / (√v̂ + ε), where
/// each mean is divided by 1 - β^t.
class Adam final : public Optimizer {
 public:
  /// ValueError for options out of their range.
  explicit Adam(std::vector<NamedTensor> parameters, const AdamOptions& options = {},
                const std::vector<ParameterGroup>& groups = {});

 private:
  void update(const StepScalars& scalars) override;

  AdamRule rule_;
};

struct NadamOptions {
  double lr = 2e-3;
  double beta1 = 0.9, beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;       ///< As in AdamOptions.
  bool decoupled = false;        ///< As in AdamOptions.
  double momentum_decay = 4e-3;  ///< ψ.
};

/// NAdam (Dozat 2016) as torch.optim has it: Adam with Nesterov's momentum, whose share at step t
/// is μ_t = β1 (1 - 0.96^(ψ t) / 2).
class Nadam final : public Optimizer {
 public:
  /// ValueError for options out of their range.
  explicit Nadam(std::vector<NamedTensor> parameters, const NadamOptions& options = {},
                 const std::vector<ParameterGroup>& groups = {});
  void load_state(const State& state) override;

 private:
  void update(const StepScalars& scalars) override;

  NadamRule rule_;
};

}  // namespace hebb
