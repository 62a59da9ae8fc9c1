#include "apps/train/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <nlohmann/json.hpp>

#include "apps/common/app.hpp"
#include "core/number.hpp"
#include "core/serialize.hpp"
#include "core/version.hpp"

namespace hebb::apps {
namespace {

void add(Json& json, const char* part, const std::optional<Evaluation>& evaluation) {
  if (!evaluation) return;
  json[fmt::format("{}_loss", part)] = evaluation->loss;
  json[fmt::format("{}_accuracy", part)] = evaluation->accuracy;
}

Json to_row(const EpochMetrics& m) {
  Json row{{"epoch", m.epoch}, {"lr", m.lr}};
  add(row, "train", m.train);
  for (size_t i = 0; i < m.penalties.size(); ++i)
    row[fmt::format("penalty_{}", i + 1)] = m.penalties[i];
  add(row, "validation", m.validation);
  add(row, "test", m.test);
  return row;
}

Json to_times(const EpochMetrics& m) {
  return {{"epoch", m.epoch},
          {"seconds", m.seconds},
          {"loader_seconds", m.loader_seconds},
          {"images_per_second", m.images_per_second}};
}

const Choices<Stopped>& stops() {
  static const Choices<Stopped> stops("stopped", {{"all-epochs", Stopped::all_epochs},
                                                  {"early", Stopped::early},
                                                  {"interrupted", Stopped::requested}});
  return stops;
}

// Whether these weights are worth keeping.
bool is_good(const EpochMetrics& m) {
  const auto finite = [](const auto& value) { return std::isfinite(value); };
  return finite(m.train.loss) && std::ranges::all_of(m.penalties, finite) &&
         (!m.validation || finite(m.validation->loss)) && (!m.test || finite(m.test->loss));
}

}  // namespace

Log::Log(const TrainSettings& settings, const Json& config) : settings_(settings), config_(config) {
  const CheckpointEvery every = parse_flag(
      "--checkpoint-every", [&] { return CheckpointEvery::parse(settings.checkpoint_every); });
  if (settings.output.empty()) return;
  folder_.emplace(settings.output, RunFolderOptions{.overwrite = settings.overwrite,
                                                    .resume = settings.resume,
                                                    .ignore_lock = settings.ignore_lock});
  if (folder_->resumes())
    folder_->check_config(config_, TrainSettings::free(), TrainSettings::before_they_were());
  else
    folder_->write_config(config_);
  checkpoints_.emplace(folder_->path() / "checkpoint.safetensors", every,
                       std::map<std::string, std::string>{{"config", config_.dump()}});
}

void Log::follow(Trainer& trainer, const Module& model,
                 const std::map<std::string, std::string>& metadata) {
  for (const auto& regularizer : trainer.regularizers())
    regularizers_.push_back(regularizer->name());
  trainer_ = &trainer;
  model_ = &model;
  metadata_ = metadata;
  state_ = [&trainer] { return trainer.state(); };
  trainer.on_begin = [this] { begin(); };
  trainer.on_step = [this](int64_t step, int64_t steps) { show_step(step, steps); };
  trainer.on_epoch = [this](const EpochMetrics& metrics) { note_epoch(metrics); };
}

std::optional<std::string> Log::checkpoint() const {
  return folder_ && folder_->resumes() ? checkpoints_->read() : std::nullopt;
}

// What a run wrote after the checkpoint from which it goes on is not so.
void Log::begin() {
  if (!folder_ || !folder_->resumes()) return;
  folder_->clear_metrics();
  for (const EpochMetrics& metrics : trainer_->history()) write_down(metrics);
  if (std::filesystem::exists(weights())) {
    const auto found = load_safetensors(weights()).metadata;
    if (const auto epoch = found.find("epoch"); epoch != found.end())
      kept_ = parse_number<int64_t>(epoch->second, {.at_least = 0}, weights().string());
  }
  if (!settings_.quiet)
    fmt::print("goes on after {} epoch{}\n", last_.epoch, last_.epoch == 1 ? "" : "s");
}

void Log::show_step(int64_t step, int64_t steps) {
  if (!progress_)
    progress_.emplace(fmt::format("epoch {}", last_.epoch + 1), steps, settings_.quiet);
  progress_->update(step);
  if (checkpoints_) checkpoints_->after_step(state_);
}

void Log::write_down(const EpochMetrics& metrics) {
  last_ = metrics;
  if (metrics.test) tested_ = metrics;
  if (folder_) folder_->append_metrics(to_row(metrics), to_times(metrics));
}

void Log::save(const EpochMetrics& metrics) {
  metadata_["epoch"] = std::to_string(metrics.epoch);
  save_safetensors(weights(), model_->state(), metadata_);
  kept_ = metrics.epoch;
}

void Log::note_epoch(const EpochMetrics& metrics) {
  progress_.reset();
  write_down(metrics);
  if (folder_ && is_good(metrics)) save(metrics);
  if (checkpoints_) checkpoints_->after_epoch(state_);
  if (settings_.quiet) return;
  fmt::print("{}\n", line(metrics));
  std::fflush(stdout);
}

std::string Log::line(const EpochMetrics& m) const {
  std::string line =
      fmt::format("epoch {:>{}}/{}  loss {:.4f}", m.epoch, std::to_string(settings_.epochs).size(),
                  settings_.epochs, m.train.loss);
  for (size_t i = 0; i < regularizers_.size(); ++i)
    line += fmt::format("  {} {:.4f}", regularizers_[i].substr(0, regularizers_[i].find(':')),
                        m.penalties[i]);
  line += fmt::format("  train {:.2f} %", 100 * m.train.accuracy);
  if (m.validation) line += fmt::format("  validation {:.2f} %", 100 * m.validation->accuracy);
  if (m.test) line += fmt::format("  test {:.2f} %", 100 * m.test->accuracy);
  return line + fmt::format("  {:.0f} images/s", m.images_per_second);
}

Json Log::summary(const std::optional<Evaluation>& train, std::string_view stopped) const {
  Json summary;
  add(summary, "train", train);
  add(summary, "validation", last_.validation);
  add(summary, "test", last_.test);
  for (size_t i = 0; i < last_.penalties.size(); ++i)
    summary["penalties"][regularizers_[i]] = last_.penalties[i];
  summary["epochs"] = last_.epoch;
  summary["weights_of_epoch"] = kept_;
  summary["stopped"] = stopped;
  return summary;
}

std::string Log::kept() const {
  return kept_ > 0 ? fmt::format("{} has the weights of epoch {}", weights().string(), kept_)
                   : "no weights were kept";
}

void Log::finish(const std::optional<Evaluation>& train, Stopped stopped, double seconds) {
  if (checkpoints_) checkpoints_->at_end(state_);
  if (folder_) folder_->write_summary(summary(train, stops().name_of(stopped)));
  const std::string tested =
      tested_.test ? fmt::format("test accuracy {:.2f} %", 100 * tested_.test->accuracy) : "";
  std::string text;
  if (stopped == Stopped::requested)
    text = fmt::format(
        "interrupted in epoch {} after {}{}", last_.epoch, format_duration(seconds),
        tested.empty() ? "" : fmt::format("; {} after epoch {}", tested, tested_.epoch));
  else
    text = fmt::format("{}{} after {} epoch{} in {}", tested,
                       train ? fmt::format(" (training {:.2f} %)", 100 * train->accuracy) : "",
                       last_.epoch, last_.epoch == 1 ? "" : "s", format_duration(seconds));
  if (folder_ && (stopped == Stopped::requested || kept_ != last_.epoch)) text += "; " + kept();
  fmt::print("{}\n", text);
}

DivergenceError Log::diverged(const DivergenceError& error) {
  progress_.reset();
  if (!folder_) return error;
  folder_->write_summary(summary({}, "diverged"));
  return {fmt::format("{}; {}", error.what(), kept()), error.epoch(), error.step()};
}

}  // namespace hebb::apps
