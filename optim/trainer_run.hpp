#pragma once

#include <cmath>
#include <vector>

#include "core/tensor.hpp"
#include "optim/trainer.hpp"

/// Internal: what a fit knows of itself.
namespace hebb {

/// Adds up on the device, in float64: it waits for the device only where it is read. A term that is
/// not finite stays in it.
class DeviceSum {
 public:
  DeviceSum() = default;
  DeviceSum(double value, Device device);
  void add(const Tensor& value, double weight);
  double value() const { return sum_.defined() ? sum_.item() : 0; }
  double over(double count) const { return sum_.defined() ? sum_.item() / count : 0; }
  bool is_finite() const { return std::isfinite(value()); }

 private:
  Tensor sum_;
};

/// The sums of an epoch, batch by batch.
struct EpochTotals {
  DeviceSum loss, correct;
  std::vector<DeviceSum> penalties;
  int64_t images = 0;

  explicit EpochTotals(size_t regularizers) : penalties(regularizers) {}
  void add(const TrainStep& step, const Batch& batch);
  bool are_finite() const;
  void write(EpochMetrics& metrics) const;
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
