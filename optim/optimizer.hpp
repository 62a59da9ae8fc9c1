#pragma once

#include <string>
#include <vector>

#include "layers/module.hpp"

namespace hebb {

/// Overrides for the parameters whose names match `pattern` (a glob: "*.bias", "fc?.weight").
/// The first group that matches counts.
struct ParameterGroup {
  std::string pattern;
  double lr_scale = 1;            ///< Times the optimiser's learning rate.
  double weight_decay_scale = 1;  ///< Times the optimiser's weight decay.
};

/// Updates parameters in place from their gradients, one fused pass over each. Made after the
/// model has been moved to its device and type.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One step. Parameters without a gradient stay as they are, and their own count of steps does.
  void step();
  void zero_grad() const;

  double lr() const { return lr_; }
  void set_lr(double lr);                   ///< ValueError unless finite and at least 0.
  int64_t steps() const { return steps_; }  ///< How often `step` was called.
  const std::vector<NamedTensor>& parameters() const { return parameters_; }

  /// All state by name for checkpoints: "step", and for each parameter "fc1.weight.step" and its
  /// moments ("fc1.weight.exp_avg", ...), named as in PyTorch. The moments are the optimiser's own
  /// tensors, not copies. The learning rate and other options are not part of it.
  State state() const;
  /// Copies `state` in. Strict, as `copy_state` says.
  void load_state(const State& state);

 protected:
  /// What an optimiser keeps of one parameter.
  struct Slot {
    Tensor parameter;
    double lr_scale, weight_decay_scale;
    std::vector<Tensor> moments;  // in the order of the constructor's `moments`, zero at first
    int64_t steps = 0;            // that have changed this parameter, the one under way included
  };

  /// `moments` names what is kept for each parameter in its shape. ValueError for a bad learning
  /// rate or a group whose pattern matches no parameter.
  Optimizer(std::vector<NamedTensor> parameters, double lr,
            const std::vector<ParameterGroup>& groups, std::vector<std::string> moments);
  virtual void update(const Slot& slot, const Tensor& grad) = 0;

 private:
  std::vector<NamedTensor> parameters_;
  std::vector<std::string> moments_;
  std::vector<Slot> slots_;
  double lr_ = 0;
  int64_t steps_ = 0;
};

}  // namespace hebb
