#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "data/loader.hpp"
#include "optim/trainer.hpp"

namespace hebb::bench {

/// A training step of the sort that the peers in bench/peers run too: forward, loss, penalty,
/// backward and Adam, each time on another batch.
class StepCase {
 public:
  /// `name` is MODEL/BATCH/REGULARIZER, e.g. "lenet5/100/bean-1".
  StepCase(const std::string& name, const Dataset& data);
  void run();
  int64_t batch_size() const { return batch_size_; }

 private:
  int64_t batch_size_;
  std::unique_ptr<Module> model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<Trainer> trainer_;
  std::vector<Batch> batches_;
  size_t next_ = 0;
};

std::vector<std::string> step_names();

}  // namespace hebb::bench
