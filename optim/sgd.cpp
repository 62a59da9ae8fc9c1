#include "optim/sgd.hpp"

#include "core/check.hpp"
#include "core/ops/optimize.hpp"

namespace hebb {
namespace {

std::vector<std::string> moments_for(const SgdOptions& options) {
  if (options.momentum == 0) return {};
  return {"momentum_buffer"};
}

}  // namespace

Sgd::Sgd(std::vector<NamedTensor> parameters, const SgdOptions& options,
         const std::vector<ParameterGroup>& groups)
    : Optimizer(std::move(parameters), options.lr, groups, moments_for(options)),
      rule_{.momentum = options.momentum,
            .dampening = options.dampening,
            .weight_decay = options.weight_decay,
            .nesterov = options.nesterov} {
  check(options.momentum >= 0 && options.momentum < 1, "[sgd] expected momentum in [0, 1), got {}",
        options.momentum);
  check(options.dampening >= 0 && options.dampening <= 1,
        "[sgd] expected dampening in [0, 1], got {}", options.dampening);
  check(options.weight_decay >= 0, "[sgd] expected weight decay of at least 0, got {}",
        options.weight_decay);
  check(!options.nesterov || (options.momentum > 0 && options.dampening == 0),
        "[sgd] Nesterov's momentum needs momentum above 0 and no dampening, got {} and {}",
        options.momentum, options.dampening);
}

void Sgd::update(const StepScalars& scalars) { sgd_step(slots_, scalars, rule_); }

}  // namespace hebb
