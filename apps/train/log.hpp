#pragma once

#include <optional>

#include "apps/common/progress.hpp"
#include "apps/common/run_folder.hpp"
#include "apps/train/settings.hpp"
#include "optim/trainer.hpp"

namespace hebb::apps {

/// What a training shows and, where --output names a folder, writes down.
class Log {
 public:
  /// Writes config.json with what `found` adds to the flags. IoError as RunFolder says.
  Log(const TrainSettings& settings, const Json& found);

  /// Notes the trainer's steps and epochs; lives at least as long as its fit.
  void follow(Trainer& trainer);
  /// The last line, summary.json and model.safetensors. `train` is the trained model's.
  void finish(const Module& model, const Evaluation& train, Stopped stopped, double seconds) const;

 private:
  void show_step(int64_t step, int64_t steps);
  void note_epoch(const EpochMetrics& metrics);
  std::string line(const EpochMetrics& metrics) const;
  Json summary(const Evaluation& train, Stopped stopped, double seconds) const;

  const TrainSettings& settings_;
  std::vector<std::string> regularizers_;  // their names
  std::optional<RunFolder> folder_;
  std::optional<Progress> progress_;
  EpochMetrics last_;
};

}  // namespace hebb::apps
