#include "optim/optimizer.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "core/check.hpp"
#include "core/ops/optimize.hpp"
#include "core/profile.hpp"

namespace hebb {
namespace {

bool matches(const ParameterGroup& group, const std::string& name) {
  return ::fnmatch(group.pattern.c_str(), name.c_str(), 0) == 0;
}

}  // namespace

Optimizer::Optimizer(std::vector<NamedTensor> parameters, double lr,
                     const std::vector<ParameterGroup>& groups, std::vector<std::string> moments)
    : parameters_(std::move(parameters)), moments_(std::move(moments)) {
  check(moments_.size() <= std::size(OptimizerSlot().moments),
        "[optimizer] expected at most {} moments, got {}", std::size(OptimizerSlot().moments),
        moments_.size());
  const Device device = parameters_.empty() ? Device() : parameters_[0].tensor.device();
  steps_ = Tensor::zeros({}, {DType::int64, device});
  lr_on_device_ = Tensor::scalar(lr_, {DType::float64, device});
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
    const Tensor& tensor = parameter.tensor;
    OptimizerSlot& slot = slots_.emplace_back();
    slot.parameter = tensor;
    slot.lr_scale = scales.lr_scale;
    slot.weight_decay_scale = scales.weight_decay_scale;
    slot.steps = Tensor::zeros({}, {DType::int64, tensor.device()});
    for (size_t i = 0; i < moments_.size(); ++i)
      slot.moments[i] = Tensor::zeros(tensor.shape(), tensor.options());
  }
}

void Optimizer::step(double clip_norm) {
  check(clip_norm >= 0, "[optimizer] expected a limit of the norm of at least 0, got {}",
        clip_norm);
  const ProfileScope scope("optimizer step");
  grads_.clear();
  for (OptimizerSlot& slot : slots_) {
    slot.grad = slot.parameter.grad();
    if (!slot.grad.defined()) continue;
    for (size_t i = 0; i < moments_.size(); ++i)
      check(slot.moments[i].device() == slot.grad.device() &&
                slot.moments[i].dtype() == slot.grad.dtype(),
            "[optimizer] expected parameters as they were when it was made ({}), got {}",
            slot.moments[i], slot.grad);
    grads_.push_back(slot.grad);
  }
  if (grads_.empty())
    steps_.fill(double(steps() + 1));
  else
    update({lr_on_device_, clip_norm > 0 ? clip_scale(grads_, clip_norm) : Tensor(), steps_});
  grads_.clear();
  for (OptimizerSlot& slot : slots_) slot.grad = {};
}

void Optimizer::zero_grad() const {
  for (const OptimizerSlot& slot : slots_) slot.parameter.zero_grad();
}

void Optimizer::set_lr(double lr) {
  check(std::isfinite(lr) && lr >= 0, "[optimizer] expected a learning rate of at least 0, got {}",
        lr);
  if (lr != lr_) lr_on_device_.fill(lr);
  lr_ = lr;
}

int64_t Optimizer::steps() const { return int64_t(steps_.item()); }

State Optimizer::state() const {
  State state{{"step", steps_}};
  for (size_t i = 0; i < slots_.size(); ++i) {
    const std::string prefix = parameters_[i].name + ".";
    state[prefix + "step"] = slots_[i].steps;
    for (size_t j = 0; j < moments_.size(); ++j) state[prefix + moments_[j]] = slots_[i].moments[j];
  }
  return state;
}

void Optimizer::load_state(const State& state) {
  const State own = this->state();
  check_state(own, state, "optimizer");
  const auto check_count = [&](const std::string& name) {
    const double value = state.at(name).item();
    check(value >= 0, "[optimizer] expected {} of at least 0, got {}", name, value);
  };
  check_count("step");
  for (const NamedTensor& parameter : parameters_) check_count(parameter.name + ".step");
  copy_state(own, state, "optimizer");
}

}  // namespace hebb
