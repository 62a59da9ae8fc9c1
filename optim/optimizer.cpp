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

// Part r of what replicas have in one tensor.
Tensor part_of(const Tensor& tensor, int64_t r) {
  const Shape shape = tensor.shape().without(0);
  return tensor.detach().view(shape, r * shape.numel());
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
  for (const NamedTensor& parameter : parameters_) add_slots(parameter, groups);
}

void Optimizer::add_slots(const NamedTensor& parameter, const std::vector<ParameterGroup>& groups) {
  const Tensor& tensor = parameter.tensor;
  Kept& kept = kept_.emplace_back();
  kept.parts = 0;
  for (const ParameterGroup& group : groups) {
    if (!group.replica || !matches(group, parameter.name)) continue;
    kept.parts = tensor.rank() > 0 ? tensor.size(0) : 0;
    check(*group.replica >= 0 && *group.replica < kept.parts,
          "[optimizer] expected one of {} replicas for \"{}\", got {}", kept.parts, group.pattern,
          *group.replica);
  }
  const bool split = kept.parts > 0;
  kept.steps = Tensor::zeros(split ? Shape{kept.parts} : Shape(), {DType::int64, tensor.device()});
  for (size_t i = 0; i < moments_.size(); ++i)
    kept.moments[i] = Tensor::zeros(tensor.shape(), tensor.options());
  for (int64_t r = 0; r < std::max<int64_t>(kept.parts, 1); ++r) {
    const auto group = std::ranges::find_if(groups, [&](const ParameterGroup& candidate) {
      return matches(candidate, parameter.name) && candidate.replica.value_or(r) == r;
    });
    const ParameterGroup scales = group == groups.end() ? ParameterGroup{} : *group;
    OptimizerSlot& slot = slots_.emplace_back();
    slot.parameter = split ? part_of(tensor, r) : tensor;
    slot.lr_scale = scales.lr_scale;
    slot.weight_decay_scale = scales.weight_decay_scale;
    slot.steps = split ? part_of(kept.steps, r) : kept.steps;
    for (size_t i = 0; i < moments_.size(); ++i)
      slot.moments[i] = split ? part_of(kept.moments[i], r) : kept.moments[i];
  }
}

void Optimizer::step(double clip_norm) {
  check(clip_norm >= 0, "[optimizer] expected a limit of the norm of at least 0, got {}",
        clip_norm);
  const ProfileScope scope("optimizer step");
  grads_.clear();
  auto slot = slots_.begin();
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const Kept& kept = kept_[i];
    const Tensor grad = parameters_[i].tensor.grad();
    for (size_t j = 0; grad.defined() && j < moments_.size(); ++j)
      check(kept.moments[j].device() == grad.device() && kept.moments[j].dtype() == grad.dtype(),
            "[optimizer] expected parameters as they were when it was made ({}), got {}",
            kept.moments[j], grad);
    for (int64_t r = 0; r < std::max<int64_t>(kept.parts, 1); ++r, ++slot) {
      if (!grad.defined()) continue;
      slot->grad = kept.parts > 0 ? part_of(grad, r) : grad;
      grads_.push_back(slot->grad);
    }
  }
  if (grads_.empty())
    steps_.fill(double(steps() + 1));
  else
    update({lr_on_device_, clip_norm > 0 ? clip_scale(grads_, clip_norm) : Tensor(), steps_});
  grads_.clear();
  for (OptimizerSlot& done : slots_) done.grad = {};
}

void Optimizer::zero_grad() const {
  for (const NamedTensor& parameter : parameters_) parameter.tensor.zero_grad();
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
  for (size_t i = 0; i < parameters_.size(); ++i) {
    const std::string prefix = parameters_[i].name + ".";
    state[prefix + "step"] = kept_[i].steps;
    for (size_t j = 0; j < moments_.size(); ++j) state[prefix + moments_[j]] = kept_[i].moments[j];
  }
  return state;
}

void Optimizer::load_state(const State& state) {
  const State own = this->state();
  check_state(own, state, "optimizer");
  const auto check_count = [&](const std::string& name, int64_t i) {
    const double value = state.at(name).view({}, i).item();
    check(value >= 0, "[optimizer] expected {} of at least 0, got {}", name, value);
  };
  check_count("step", 0);
  for (size_t i = 0; i < parameters_.size(); ++i)
    for (int64_t r = 0; r < kept_[i].steps.numel(); ++r)
      check_count(parameters_[i].name + ".step", r);
  copy_state(own, state, "optimizer");
}

}  // namespace hebb
