#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/common/progress.hpp"
#include "apps/common/run_folder.hpp"
#include "apps/train/checkpoints.hpp"
#include "apps/train/settings.hpp"
#include "optim/trainer.hpp"

namespace hebb::apps {

/// What a training shows and, where --output names a folder, writes down.
class Log {
 public:
  /// Writes config.json, or compares it where the folder's run goes on. IoError and UsageError as
  /// RunFolder says.
  Log(const TrainSettings& settings, const Json& config);

  /// Notes the trainer's steps and epochs, keeps checkpoints as --checkpoint-every says, and the
  /// model's weights after each epoch and after the step of an interruption, unless they are no
  /// good; lives at least as long as its fit. `metadata` goes into the weights' file.
  void follow(Trainer& trainer, const Module& model,
              const std::map<std::string, std::string>& metadata);
  /// The bytes of what the run goes on from; nothing where it begins.
  std::optional<std::string> checkpoint() const;
  /// The last checkpoint and line, and summary.json. `train` is the trained model's, where that was
  /// looked at.
  void finish(const std::optional<Evaluation>& train, Stopped stopped, double seconds);
  /// summary.json of a run that diverged; the error with what was kept of it.
  DivergenceError diverged(const DivergenceError& error);

 private:
  void begin();
  void show_step(int64_t step, int64_t steps);
  void note_epoch(const EpochMetrics& metrics);
  void write_down(const EpochMetrics& metrics);
  void save(const EpochMetrics& metrics);
  std::string line(const EpochMetrics& metrics) const;
  Json summary(const std::optional<Evaluation>& train, std::string_view stopped) const;
  std::string kept() const;
  std::filesystem::path weights() const { return folder_->path() / "model.safetensors"; }

  const TrainSettings& settings_;
  std::vector<std::string> regularizers_;  // their names
  std::optional<RunFolder> folder_;
  std::optional<Progress> progress_;
  Json config_;
  const Trainer* trainer_ = nullptr;
  const Module* model_ = nullptr;
  std::map<std::string, std::string> metadata_;  // of the weights
  std::optional<Checkpoints> checkpoints_;       // nothing without a folder
  Checkpoints::GetState state_;
  EpochMetrics last_, tested_;  // tested_: the last one that was tested
  int64_t kept_ = 0;            // epoch of the weights in the folder
};

}  // namespace hebb::apps
