#include "optim/adam.hpp"

#include <cmath>

#include "core/check.hpp"
#include "core/ops/optimize.hpp"

namespace hebb {
namespace {

template <class Options>
AdamStep checked(const Options& o, const char* where) {
  for (const double beta : {o.beta1, o.beta2})
    check(beta >= 0 && beta < 1, "[{}] expected betas in [0, 1), got {}", where, beta);
  check(o.epsilon >= 0, "[{}] expected epsilon of at least 0, got {}", where, o.epsilon);
  check(o.weight_decay >= 0, "[{}] expected weight decay of at least 0, got {}", where,
        o.weight_decay);
  return {.lr = o.lr,
          .beta1 = o.beta1,
          .beta2 = o.beta2,
          .epsilon = o.epsilon,
          .weight_decay = o.weight_decay,
          .bias_correction1 = 1,
          .bias_correction2 = 1,
          .decoupled = o.decoupled};
}

void correct_bias(AdamStep& step, int64_t t) {
  step.bias_correction1 = 1 - std::pow(step.beta1, double(t));
  step.bias_correction2 = 1 - std::pow(step.beta2, double(t));
}

}  // namespace

Adam::Adam(std::vector<NamedTensor> parameters, const AdamOptions& options,
           const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), options.lr, groups, {"exp_avg", "exp_avg_sq"}),
      options_(options),
      step_(checked(options, "adam")) {}

void Adam::update(const Slot& slot, const Tensor& grad) {
  if (corrected_for_ != slot.steps) correct_bias(step_, corrected_for_ = slot.steps);
  step_.lr = lr() * slot.lr_scale;
  step_.weight_decay = options_.weight_decay * slot.weight_decay_scale;
  adam_step(slot.parameter, grad, slot.moments[0], slot.moments[1], step_);
}

Nadam::Nadam(std::vector<NamedTensor> parameters, const NadamOptions& options,
             const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), options.lr, groups, {"exp_avg", "exp_avg_sq"}),
      options_(options),
      step_{checked(options, "nadam"), 0, 0, 1} {
  check(options.momentum_decay >= 0, "[nadam] expected momentum decay of at least 0, got {}",
        options.momentum_decay);
}

double Nadam::mu(int64_t step) const {
  return options_.beta1 * (1 - 0.5 * std::pow(0.96, double(step) * options_.momentum_decay));
}

// The product depends on the number of the step alone, so it need not be saved. Parameters whose
// counts differ start it over.
void Nadam::advance_to(int64_t step) {
  if (step < corrected_for_) {
    corrected_for_ = 0;
    step_.mu_product = 1;
  }
  while (corrected_for_ < step) step_.mu_product *= mu(++corrected_for_);
  step_.mu = mu(step);
  step_.mu_next = mu(step + 1);
  correct_bias(step_.adam, step);
}

void Nadam::update(const Slot& slot, const Tensor& grad) {
  if (corrected_for_ != slot.steps) advance_to(slot.steps);
  step_.adam.lr = lr() * slot.lr_scale;
  step_.adam.weight_decay = options_.weight_decay * slot.weight_decay_scale;
  nadam_step(slot.parameter, grad, slot.moments[0], slot.moments[1], step_);
}

}  // namespace hebb
