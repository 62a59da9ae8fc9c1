#include <fmt/format.h>

#include <chrono>
#include <optional>

#include "apps/common/app.hpp"
#include "apps/common/progress.hpp"
#include "apps/train/settings.hpp"
#include "core/backend.hpp"
#include "core/serialize.hpp"
#include "core/version.hpp"
#include "data/data.hpp"
#include "layers/layers.hpp"
#include "optim/optim.hpp"
#include "regularizers/regularizers.hpp"

namespace hebb::apps {
namespace {

// What the run's random numbers are for; numbers of different purposes do not move each other.
enum Purpose : uint64_t { weights, training, training_samples, test_samples, validation_samples };

struct Data {
  Dataset train, test;
  std::optional<Dataset> validation;
};

Data prepare_data(const TrainSettings& s) {
  DataPair pair = load_dataset(s.dataset, {.root = s.data});
  Data data{.train = std::move(pair.train), .test = std::move(pair.test), .validation = {}};
  const Generator random(s.seed);
  const auto reduce = [](Dataset& set, int64_t limit, const Generator& generator) {
    if (limit > 0) set = set.subset(random_subset(set.size(), limit, generator));
  };
  if (s.validation > 0) {
    const Split parts =
        validation_split(data.train.size(), s.validation, random.fork(validation_samples));
    data.validation = data.train.subset(parts.validation);
    data.train = data.train.subset(parts.train);
  }
  if (s.shots > 0)
    data.train =
        data.train.subset(few_shot(data.train, random.fork(training_samples), {.shots = s.shots}));
  reduce(data.train, s.train_limit, random.fork(training_samples));
  reduce(data.test, s.test_limit, random.fork(test_samples));
  return data;
}

TrainerOptions trainer_options(const TrainSettings& s, const Dataset& train) {
  TrainerOptions options{.epochs = s.epochs,
                         .batch_size = s.batch_size,
                         .seed = Generator(s.seed).fork(training).seed(),
                         .label_smoothing = s.label_smoothing,
                         .clip_norm = s.clip_norm};
  options.schedule = parse_flag("--schedule", [&] { return Schedule::parse(s.schedule); });
  using Monitor = EarlyStopping::Monitor;
  options.early_stopping = {.monitor = s.early_stopping == "validation-loss"
                                           ? Monitor::validation_loss
                                       : s.early_stopping == "train-loss" ? Monitor::train_loss
                                                                          : Monitor::none,
                            .patience = s.patience,
                            .min_change = s.min_change};
  std::vector<Transform> transforms;
  if (s.crop > 0) transforms.emplace_back(RandomCrop{.padding = s.crop});
  if (s.flip) transforms.emplace_back(RandomHorizontalFlip{.probability = 0.5});
  if (!transforms.empty()) options.transform = compose(transforms);
  if (s.normalize) options.evaluation_transform = normalize_for(train);
  return options;
}

std::string describe(const EpochMetrics& m, int64_t epochs, const Regularizers& regularizers) {
  std::string line = fmt::format("epoch {:>{}}/{}  loss {:.4f}", m.epoch,
                                 std::to_string(epochs).size(), epochs, m.train.loss);
  for (size_t i = 0; i < regularizers.size(); ++i) {
    const std::string name = regularizers[i]->name();
    line += fmt::format("  {} {:.4f}", name.substr(0, name.find(':')), m.penalties[i]);
  }
  line += fmt::format("  train {:.2f} %", 100 * m.train.accuracy);
  if (m.validation) line += fmt::format("  validation {:.2f} %", 100 * m.validation->accuracy);
  if (m.test) line += fmt::format("  test {:.2f} %", 100 * m.test->accuracy);
  return line + fmt::format("  {:.0f} images/s", m.images_per_second);
}

Json to_row(const EpochMetrics& m, const Regularizers& regularizers) {
  Json row{{"epoch", m.epoch},
           {"lr", m.lr},
           {"train_loss", m.train.loss},
           {"train_accuracy", m.train.accuracy}};
  for (size_t i = 0; i < regularizers.size(); ++i)
    row[fmt::format("penalty_{}", i + 1)] = m.penalties[i];
  if (m.validation) {
    row["validation_loss"] = m.validation->loss;
    row["validation_accuracy"] = m.validation->accuracy;
  }
  if (m.test) {
    row["test_loss"] = m.test->loss;
    row["test_accuracy"] = m.test->accuracy;
  }
  row["seconds"] = m.seconds;
  row["images_per_second"] = m.images_per_second;
  return row;
}

void train(const TrainSettings& s) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  if (s.threads != 0) parse_flag("--threads", [&] { set_num_threads(s.threads); });
  const Device device = parse_flag("--device", [&] { return Device::parse(s.device); });
  const std::string_view backend = backend_for(device).name();
  for (const auto& [flag, value] : {std::pair("--train-limit", s.train_limit),
                                    {"--test-limit", s.test_limit},
                                    {"--shots", s.shots},
                                    {"--validation", s.validation},
                                    {"--crop", s.crop}})
    if (value < 0) throw UsageError(fmt::format("{}: expected at least 0, got {}", flag, value));

  const Data data = prepare_data(s);
  ModelOptions model_options{
      .input = data.train.images.shape().without(0),
      .classes = data.train.classes,
      .dropout = s.dropout,
      .generator = Generator(s.seed).split(weights),
  };
  model_options.activation =
      parse_flag("--activation", [&] { return Activation::parse(s.activation); });
  model_options.init = parse_flag("--init", [&] { return Initializer::parse(s.init); });
  const std::unique_ptr<Module> model =
      parse_flag("--model", [&] { return make_model(s.model, model_options); });
  model->to(device);
  const std::unique_ptr<Optimizer> optimizer = parse_flag(
      "--optimizer", [&] { return make_optimizer(s.optimizer, model->parameters(), s.lr); });
  Regularizers regularizers = parse_flag(
      "--regularizer", [&] { return make_regularizers(s.regularizers, model->parameters()); });

  std::optional<RunFolder> folder;
  if (!s.output.empty()) {
    folder.emplace(s.output, s.overwrite);
    Json config = s.to_json();
    config["threads"] = num_threads();
    config["backend"] = backend;
    config["precision"] = "float32";
    config["version"] = version();
    config["train_samples"] = data.train.size();
    config["test_samples"] = data.test.size();
    config["parameters"] = model->parameter_count();
    folder->write_config(config);
  }
  if (!s.quiet) {
    fmt::print("{} on {}: {} training, {} test images; {} parameters; {}, {} threads, float32\n",
               s.model, s.dataset, data.train.size(), data.test.size(), model->parameter_count(),
               backend, num_threads());
    if (!data.train.description.empty()) fmt::print("{}\n", data.train.description);
  }

  Trainer trainer(*model, *optimizer, std::move(regularizers), trainer_options(s, data.train));
  std::optional<Progress> progress;
  int64_t epochs = 0;
  EpochMetrics last;
  trainer.on_step = [&](int64_t step, int64_t steps) {
    if (!progress) progress.emplace(fmt::format("epoch {}", epochs + 1), steps, s.quiet);
    progress->update(step);
  };
  trainer.on_epoch = [&](const EpochMetrics& metrics) {
    progress.reset();
    epochs = metrics.epoch;
    last = metrics;
    if (folder) folder->append_metrics(to_row(metrics, trainer.regularizers()));
    if (s.quiet) return;
    fmt::print("{}\n", describe(metrics, s.epochs, trainer.regularizers()));
    std::fflush(stdout);
  };
  trainer.stop_requested = Interrupt::requested;
  const Interrupt interrupt;
  const Stopped stopped = trainer.fit({.train = &data.train,
                                       .validation = data.validation ? &*data.validation : nullptr,
                                       .test = &data.test});
  const Evaluation final_train = trainer.evaluate(data.train);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();

  if (folder) {
    save_safetensors(
        folder->path() / "model.safetensors", model->state(),
        {{"model", s.model}, {"dataset", s.dataset}, {"version", std::string(version())}});
    Json summary{{"train_loss", final_train.loss}, {"train_accuracy", final_train.accuracy}};
    if (last.validation) {
      summary["validation_loss"] = last.validation->loss;
      summary["validation_accuracy"] = last.validation->accuracy;
    }
    summary["test_loss"] = last.test->loss;
    summary["test_accuracy"] = last.test->accuracy;
    for (size_t i = 0; i < trainer.regularizers().size(); ++i)
      summary["penalties"][trainer.regularizers()[i]->name()] = last.penalties[i];
    summary["epochs"] = epochs;
    summary["stopped"] = stopped == Stopped::all_epochs ? "all-epochs"
                         : stopped == Stopped::early    ? "early"
                                                        : "interrupted";
    summary["seconds"] = seconds;
    folder->write_summary(summary);
  }
  fmt::print("test accuracy {:.2f} % (training {:.2f} %) after {} epoch{} in {}{}\n",
             100 * last.test->accuracy, 100 * final_train.accuracy, epochs, epochs == 1 ? "" : "s",
             format_duration(seconds), stopped == Stopped::requested ? ", interrupted" : "");
}

}  // namespace
}  // namespace hebb::apps

int main(int argc, char** argv) {
  CLI::App app("Trains a network on labelled images, with BEAN and other regularizers.",
               "hebb-train");
  hebb::apps::TrainSettings settings;
  settings.add_flags(app);
  return hebb::apps::run_app(app, argc, argv, [&] { hebb::apps::train(settings); });
}
