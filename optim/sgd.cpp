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
      options_(options) {
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

void Sgd::update(const Slot& slot, const Tensor& grad) {
  const SgdStep step{.lr = lr() * slot.lr_scale,
                     .momentum = options_.momentum,
                     .dampening = options_.dampening,
                     .weight_decay = options_.weight_decay * slot.weight_decay_scale,
                     .nesterov = options_.nesterov,
                     .first = slot.steps == 1};
  const Tensor momentum = slot.moments.empty() ? Tensor() : slot.moments[0];
  sgd_step(slot.parameter, grad, momentum, step);
}

}  // namespace hebb
