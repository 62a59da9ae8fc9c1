#pragma once

#include <cmath>
#include <vector>

#include "core/tensor.hpp"
#include "optim/trainer.hpp"

/// Internal: what a fit knows of itself.
namespace hebb {

/// The sums of an epoch, batch by batch, in float64 on the device: who reads them waits for it. A
/// term that is not finite stays in them.
struct EpochTotals {
  Tensor sums;  // [2 + regularizers]: losses, correct answers, penalties
  int64_t images = 0;

  EpochTotals(size_t regularizers, Device device);
  size_t regularizers() const { return size_t(sums.numel()) - 2; }
  void add(const TrainStep& step, const Batch& batch);  // to the sums alone
  bool are_finite() const;
  std::vector<double> means() const;
};

/// What goes on from step to step, beside the model's and the optimiser's state.
struct Trainer::Run {
  LoaderPosition position;  // after the last step
  Generator dropout;
  EpochTotals totals;                      // of the epoch under way
  double seconds = 0, loader_seconds = 0;  // of it too
  double best = HUGE_VAL;                  // of what early stopping watches
  int64_t since_best = 0;
  std::vector<EpochMetrics> history;
  bool has_validation = false, has_test = false;

  void compare(const EpochMetrics& metrics, const EarlyStopping& stopping);
  void end_epoch(const EpochMetrics& metrics, const LoaderPosition& next);
  EpochMetrics blank() const;
  State state() const;
  void read(const State& state, Device device);
};

}  // namespace hebb
