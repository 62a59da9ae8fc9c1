#include "apps/train/log.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

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
  row["seconds"] = m.seconds;
  row["images_per_second"] = m.images_per_second;
  return row;
}

}  // namespace

Log::Log(const TrainSettings& settings, const Json& found) : settings_(settings) {
  if (settings.output.empty()) return;
  folder_.emplace(settings.output, settings.overwrite);
  Json config = settings.to_json();
  config.update(found);
  folder_->write_config(config);
}

void Log::follow(Trainer& trainer) {
  for (const auto& regularizer : trainer.regularizers())
    regularizers_.push_back(regularizer->name());
  trainer.on_step = [this](int64_t step, int64_t steps) { show_step(step, steps); };
  trainer.on_epoch = [this](const EpochMetrics& metrics) { note_epoch(metrics); };
}

void Log::show_step(int64_t step, int64_t steps) {
  if (!progress_)
    progress_.emplace(fmt::format("epoch {}", last_.epoch + 1), steps, settings_.quiet);
  progress_->update(step);
}

void Log::note_epoch(const EpochMetrics& metrics) {
  progress_.reset();
  last_ = metrics;
  if (folder_) folder_->append_metrics(to_row(metrics));
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

Json Log::summary(const Evaluation& train, Stopped stopped, double seconds) const {
  Json summary;
  add(summary, "train", train);
  add(summary, "validation", last_.validation);
  add(summary, "test", last_.test);
  for (size_t i = 0; i < regularizers_.size(); ++i)
    summary["penalties"][regularizers_[i]] = last_.penalties[i];
  summary["epochs"] = last_.epoch;
  summary["stopped"] = stopped == Stopped::all_epochs ? "all-epochs"
                       : stopped == Stopped::early    ? "early"
                                                      : "interrupted";
  summary["seconds"] = seconds;
  return summary;
}

void Log::finish(const Module& model, const Evaluation& train, Stopped stopped,
                 double seconds) const {
  if (folder_) {
    save_safetensors(folder_->path() / "model.safetensors", model.state(),
                     {{"model", settings_.model},
                      {"dataset", settings_.dataset},
                      {"version", std::string(version())}});
    folder_->write_summary(summary(train, stopped, seconds));
  }
  fmt::print("test accuracy {:.2f} % (training {:.2f} %) after {} epoch{} in {}{}\n",
             100 * last_.test->accuracy, 100 * train.accuracy, last_.epoch,
             last_.epoch == 1 ? "" : "s", format_duration(seconds),
             stopped == Stopped::requested ? ", interrupted" : "");
}

}  // namespace hebb::apps
