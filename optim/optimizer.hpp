#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/optimizer_slot.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// Overrides for the parameters whose names match `pattern` (a glob: "*.bias", "fc?.weight").
/// The first group that matches counts.
struct ParameterGroup {
  std::string pattern;
  double lr_scale = 1;                  ///< Times the optimiser's learning rate.
  double weight_decay_scale = 1;        ///< Times the optimiser's weight decay.
  std::optional<int64_t> replica = {};  ///< Of parameters [R, ...] this part alone, from 0.
};

/// Updates parameters in place from their gradients, one fused pass over each, all in one call of
/// the backend. Made after the model has been moved to its device and type. What changes from step
/// to step, the learning rate and the counts, is in tensors on that device.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// One step. Parameters without a gradient stay as they are, and their own count of steps does.
  /// With a `clip_norm` over 0, gradients count as scaled to a common 2-norm of at most that, as
  /// clip_grad_norm does it. ValueError for one below 0.
  void step(double clip_norm = 0);
  void zero_grad() const;
  /// Whether what it does to [R, ...] it does to each of R parameters.
  virtual bool knows_replicas() const { return true; }

  double lr() const { return lr_; }
  void set_lr(double lr);  ///< ValueError unless finite and at least 0.
  int64_t steps() const;   ///< How often `step` was called; waits for the device.
  const std::vector<NamedTensor>& parameters() const { return parameters_; }

  /// All state by name for checkpoints: "step", and for each parameter "fc1.weight.step", which is
  /// [R] where groups tell replicas apart, and its
  /// moments ("fc1.weight.exp_avg", ...), named as in PyTorch: the optimiser's own tensors, not
  /// copies. The learning rate and other options are not part of it.
  State state() const;
  /// Copies `state` in. Strict, as `copy_state` says.
  virtual void load_state(const State& state);

 protected:
  /// `moments`, two at most, names what is kept for each parameter in its shape. ValueError for a
  /// bad learning rate, or a group whose pattern matches no parameter or whose replica is not
  /// there.
  Optimizer(std::vector<NamedTensor> parameters, double lr,
            const std::vector<ParameterGroup>& groups, std::vector<std::string> moments);
  /// The backend's call for all slots.
  virtual void update(const StepScalars& scalars) = 0;

  // Of all parameters, or of each replica's part where groups tell replicas apart; gradients are
  // there during a step.
  std::vector<OptimizerSlot> slots_;

 private:
  // What is kept of a parameter, whole.
  struct Kept {
    Tensor moments[2], steps;
    int64_t parts;  // that have a slot each; 0: it has one itself
  };
  void add_slots(const NamedTensor& parameter, const std::vector<ParameterGroup>& groups);

  std::vector<Kept> kept_;
  std::vector<NamedTensor> parameters_;
  std::vector<std::string> moments_;
  std::vector<Tensor> grads_;  // during a step; kept, so that steps take no memory
  double lr_ = 0;
  Tensor lr_on_device_;
  Tensor steps_;
};

}  // namespace hebb
