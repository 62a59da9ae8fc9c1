#include "optim/optimizer.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "core/check.hpp"

namespace hebb {
namespace {

bool matches(const ParameterGroup& group, const std::string& name) {
  return ::fnmatch(group.pattern.c_str(), name.c_str(), 0) == 0;
}

Tensor count(int64_t value) { return Tensor::from<int64_t>({value}, {}); }

}  // namespace

Optimizer::Optimizer(std::vector<NamedTensor> parameters, double lr,
                     const std::vector<ParameterGroup>& groups, std::vector<std::string> moments)
    : parameters_(std::move(parameters)), moments_(std::move(moments)) {
  set_lr(lr);
  for (const ParameterGroup& group : groups) {
    check(group.lr_scale >= 0 && group.weight_decay_scale >= 0,
          "[optimizer] expected scales of at least 0 for \"{}\", got {} and {}", group.pattern,
          group.lr_scale, group.weight_decay_scale);
    check(std::ranges::any_of(parameters_,
                              [&](const NamedTensor& p) { return matches(group, p.name); }),
          "[optimizer] expected a group for some parameter, got the pattern \"{}\"", group.pattern);
  }
  for (const NamedTensor& parameter : parameters_) {
    const auto group = std::ranges::find_if(groups, [&](const ParameterGroup& candidate) {
      return matches(candidate, parameter.name);
    });
    const ParameterGroup scales = group == groups.end() ? ParameterGroup{} : *group;
    Slot& slot = slots_.emplace_back(
        Slot{parameter.tensor, scales.lr_scale, scales.weight_decay_scale, {}, 0});
    for (size_t i = 0; i < moments_.size(); ++i)
      slot.moments.push_back(Tensor::zeros(parameter.tensor.shape(), parameter.tensor.options()));
  }
}

void Optimizer::step() {
  ++steps_;
  for (Slot& slot : slots_) {
    const Tensor grad = slot.parameter.grad();
    if (!grad.defined()) continue;
    for (const Tensor& moment : slot.moments)
      check(moment.device() == grad.device() && moment.dtype() == grad.dtype(),
            "[optimizer] expected parameters as they were when it was made ({}), got {}", moment,
            grad);
    ++slot.steps;
    update(slot, grad);
  }
}

void Optimizer::zero_grad() const {
  for (const Slot& slot : slots_) slot.parameter.zero_grad();
}

void Optimizer::set_lr(double lr) {
  check(std::isfinite(lr) && lr >= 0, "[optimizer] expected a learning rate of at least 0, got {}",
        lr);
  lr_ = lr;
}

State Optimizer::state() const {
  State state{{"step", count(steps_)}};
  for (size_t i = 0; i < slots_.size(); ++i) {
    const std::string prefix = parameters_[i].name + ".";
    state[prefix + "step"] = count(slots_[i].steps);
    for (size_t j = 0; j < moments_.size(); ++j) state[prefix + moments_[j]] = slots_[i].moments[j];
  }
  return state;
}

void Optimizer::load_state(const State& state) {
  const State own = this->state();
  copy_state(own, state, "optimizer");
  const auto read = [&](const std::string& name) {
    const int64_t value = own.at(name).host<int64_t>()[0];
    check(value >= 0, "[optimizer] expected {} of at least 0, got {}", name, value);
    return value;
  };
  steps_ = read("step");
  for (size_t i = 0; i < slots_.size(); ++i) slots_[i].steps = read(parameters_[i].name + ".step");
}

}  // namespace hebb
