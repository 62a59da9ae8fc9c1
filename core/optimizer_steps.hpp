#pragma once

#include <cmath>

#include "core/host_device.hpp"
#include "core/options.hpp"

/// Internal: what an optimiser's rule comes to at a step, the same on every device.
namespace hebb {

/// Where a parameter stands.
struct StepOf {
  double lr = 0;  // with the parameter's own scale
  double weight_decay_scale = 1;
  int64_t number = 0;  // of the step, from 1

  friend bool operator==(const StepOf&, const StepOf&) = default;
};

HEBB_HOST_DEVICE inline SgdStep at_step(const SgdRule& rule, const StepOf& step) {
  return {step.lr,        rule.momentum,
          rule.dampening, rule.weight_decay * step.weight_decay_scale,
          rule.nesterov,  step.number == 1};
}

HEBB_HOST_DEVICE inline AdamStep at_step(const AdamRule& rule, const StepOf& step) {
  return {step.lr,
          rule.beta1,
          rule.beta2,
          rule.epsilon,
          rule.weight_decay * step.weight_decay_scale,
          1 - std::pow(rule.beta1, double(step.number)),
          1 - std::pow(rule.beta2, double(step.number)),
          rule.decoupled};
}

/// NAdam's share of momentum at a step.
HEBB_HOST_DEVICE inline double mu_at(const NadamRule& rule, int64_t number) {
  return rule.adam.beta1 * (1 - 0.5 * std::pow(0.96, double(number) * rule.momentum_decay));
}

/// `mu_product` is that of all steps up to this one.
HEBB_HOST_DEVICE inline NadamStep at_step(const NadamRule& rule, const StepOf& step,
                                          double mu_product) {
  return {at_step(rule.adam, step), mu_at(rule, step.number), mu_at(rule, step.number + 1),
          mu_product};
}

}  // namespace hebb
