#pragma once

#include <functional>
#include <map>
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

  /// Notes the trainer's steps and epochs, and keeps the model's weights after each epoch and after
  /// the step of an interruption, unless they are no good; lives at least as long as its fit.
  /// `metadata` goes into their file.
  void follow(Trainer& trainer, const Module& model,
              const std::map<std::string, std::string>& metadata);
  /// The last line and summary.json. `train` is the trained model's, where that was looked at.
  void finish(const std::optional<Evaluation>& train, Stopped stopped, double seconds) const;
  /// summary.json of a run that diverged; the error with what was kept of it.
  DivergenceError diverged(const DivergenceError& error, double seconds);

 private:
  void show_step(int64_t step, int64_t steps);
  void note_epoch(const EpochMetrics& metrics);
  std::string line(const EpochMetrics& metrics) const;
  Json summary(const std::optional<Evaluation>& train, std::string_view stopped,
               double seconds) const;
  std::string kept() const;
  std::filesystem::path weights() const { return folder_->path() / "model.safetensors"; }

  const TrainSettings& settings_;
  std::vector<std::string> regularizers_;  // their names
  std::optional<RunFolder> folder_;
  std::optional<Progress> progress_;
  std::function<void()> save_;  // nothing without a folder
  EpochMetrics last_, tested_;  // tested_: the last one that was tested
  int64_t kept_ = 0;            // epoch of the weights in the folder
};

}  // namespace hebb::apps
