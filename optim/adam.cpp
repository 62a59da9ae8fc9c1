#include "optim/adam.hpp"

#include "core/check.hpp"
#include "core/ops/optimize.hpp"
#include "core/optimizer_steps.hpp"

namespace hebb {
namespace {

template <class Options>
AdamRule checked(const Options& o, const char* where) {
  for (const double beta : {o.beta1, o.beta2})
    check(beta >= 0 && beta < 1, "[{}] expected betas in [0, 1), got {}", where, beta);
  check(o.epsilon >= 0, "[{}] expected epsilon of at least 0, got {}", where, o.epsilon);
  check(o.weight_decay >= 0, "[{}] expected weight decay of at least 0, got {}", where,
        o.weight_decay);
  return {.beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon,
          .weight_decay = o.weight_decay,
          .decoupled = o.decoupled};
}

}  // namespace

Adam::Adam(std::vector<NamedTensor> parameters, const AdamOptions& options,
           const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), options.lr, groups, {"exp_avg", "exp_avg_sq"}),
      rule_(checked(options, "adam")) {}

void Adam::update(const StepScalars& scalars) { adam_step(slots_, scalars, rule_); }

Nadam::Nadam(std::vector<NamedTensor> parameters, const NadamOptions& options,
             const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), options.lr, groups, {"exp_avg", "exp_avg_sq"}),
      rule_{checked(options, "nadam"), options.momentum_decay} {
  check(options.momentum_decay >= 0, "[nadam] expected momentum decay of at least 0, got {}",
        options.momentum_decay);
  for (OptimizerSlot& slot : slots_)
    slot.mu_product = Tensor::ones({}, {DType::float64, slot.parameter.device()});
}

// The product follows from the number of steps alone, so it is not saved.
void Nadam::load_state(const State& state) {
  Optimizer::load_state(state);
  int64_t done = 0;
  double product = 1;
  for (const OptimizerSlot& slot : slots_) {
    const auto steps = int64_t(slot.steps.item());
    if (steps < done) done = 0, product = 1;
    while (done < steps) product *= mu_at(rule_, ++done);
    slot.mu_product.fill(product);
  }
}

void Nadam::update(const StepScalars& scalars) { nadam_step(slots_, scalars, rule_); }

}  // namespace hebb
