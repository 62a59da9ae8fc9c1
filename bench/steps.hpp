#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "data/loader.hpp"
#include "optim/peers.hpp"
#include "optim/recorded_steps.hpp"
#include "optim/train_step.hpp"

namespace hebb::bench {

/// A step of the sort that the peers in bench/peers run too, each time on another batch: of
/// training (forward, loss, penalty, backward and Adam), or inference.
class StepCase {
 public:
  /// `name` is MODEL/BATCH/REGULARIZER or MODEL/BATCH/inference, e.g. "lenet5/100/bean-1". Where
  /// takes_noise(name), the images are not the data's.
  /// With peers, this rank's share of such a step.
  StepCase(const std::string& name, const Dataset& data, Device device = {},
           Peers* peers = nullptr);
  /// `steps_at_once` steps, which are done when it returns.
  void run();
  /// On a GPU more than one, as in training, where nothing waits for each.
  int steps_at_once() const { return device_.is_cpu() ? 1 : 20; }
  /// Whether a step has the stages of training.
  bool trains() const { return trains_; }
  /// The milliseconds of each of `stage_names` in one step of training. BEAN's kernel computes its
  /// gradients with its penalty.
  std::vector<double> run_stages();
  int64_t batch_size() const { return batch_size_; }
  /// Adds gradients up over the peers, without a backward pass.
  void sum_gradients_alone();

 private:
  const Batch& next_batch() { return batches_[next_++ % batches_.size()]; }
  void run_step(const Batch& batch);

  Device device_;
  int64_t batch_size_;
  bool trains_;
  Regularizers regularizers_;
  std::unique_ptr<Module> model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::vector<Batch> batches_;
  size_t next_ = 0;
  Peers* peers_;
  Generator random_{1};
  RecordedSteps recorded_{device_, random_, [this](const Batch& batch) { run_step(batch); }};
};

/// Those that are timed unless others are asked for.
std::vector<std::string> step_names();
/// Whether a StepCase can be of that name: of those above with any batch and regularizer.
bool is_step(const std::string& name);

/// ResNet-18 gets noise of 3x32x32: zeros are no part of photographs, so it takes as long.
bool takes_noise(const std::string& name);

/// In the order of TrainStepOptions::Stage.
inline constexpr std::array stage_names{"forward", "loss", "penalty", "backward", "update"};

}  // namespace hebb::bench
