#include <fmt/format.h>
#include <zlib.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>

#include "apps/common/app.hpp"
#include "apps/common/normalization.hpp"
#include "apps/onnx/export.hpp"
#include "apps/train/explain.hpp"
#include "apps/train/log.hpp"
#include "apps/train/ranks.hpp"
#include "apps/train/recipes.hpp"
#include "core/backend.hpp"
#include "core/conv_policy.hpp"
#include "core/precision.hpp"
#include "core/version.hpp"
#include "data/data.hpp"
#include "distributed/data_parallel.hpp"
#include "distributed/device.hpp"
#include "distributed/program.hpp"
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
  const auto load = parse_flag("--dataset", [&] { return known_datasets().at(s.dataset); });
  DataPair pair = load({.root = s.data});
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

// Another one when the data are others, which --resume refuses.
std::string checksum(const Data& data) {
  uLong sum = crc32_z(0, nullptr, 0);
  const auto add = [&](const Dataset& set) {
    for (const Tensor& part : {set.images, set.labels})
      sum = crc32_z(sum, static_cast<const Bytef*>(part.data()), part.bytes());
  };
  add(data.train);
  add(data.test);
  if (data.validation) add(*data.validation);
  return fmt::format("{:08x}", sum);
}

TrainerOptions trainer_options(const TrainSettings& s, const Dataset& train) {
  TrainerOptions options{.epochs = s.epochs,
                         .batch_size = s.batch_size,
                         .seed = Generator(s.seed).fork(training).seed(),
                         .label_smoothing = s.label_smoothing,
                         .clip_norm = s.clip_norm,
                         .accumulate = s.accumulate,
                         .sync_batch_norm = s.sync_batch_norm};
  options.schedule = parse_flag("--schedule", [&] { return Schedule::parse(s.schedule); });
  options.early_stopping = {
      .monitor = parse_flag("--early-stopping",
                            [&] { return EarlyStopping::monitors().at(s.early_stopping); }),
      .patience = s.patience,
      .min_change = s.min_change};
  std::vector<Transform> transforms;
  if (s.crop > 0) transforms.emplace_back(RandomCrop{.padding = s.crop});
  if (s.flip) transforms.emplace_back(RandomHorizontalFlip{.probability = 0.5});
  options.transform = compose(transforms);
  if (s.normalize) options.evaluation_transform = normalize_for(train);
  options.on_divergence =
      parse_flag("--on-divergence", [&] { return divergence_choices().at(s.on_divergence); });
  return options;
}

std::unique_ptr<Module> build_model(const TrainSettings& s, const Dataset& train) {
  ModelOptions options{.input = train.images.shape().without(0),
                       .classes = train.classes,
                       .dropout = s.dropout,
                       .generator = Generator(s.seed).split(weights)};
  options.activation =
      parse_flag("--activation", [&] { return Activation::kinds().at(s.activation); });
  options.init = parse_flag("--init", [&] { return Initializer::parse(s.init); });
  return parse_flag("--model", [&] { return make_model(s.model, options); });
}

void train(const TrainSettings& s, Communicator& ranks) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  if (ranks.ranks_may_be_lost())
    throw UsageError(
        "mpirun was told to keep the other ranks when one dies (--enable-recovery), and here they "
        "would wait for it for ever: start hebb-train without that");
  if (s.threads != 0) parse_flag("--threads", [&] { set_num_threads(s.threads); });
  parse_flag("--conv-policy", [&] { set_conv_policy(conv_policies().at(s.conv_policy)); });
  const Device device = parse_device(device_of_rank(s.device, ranks));
  parse_flag("--precision", [&] { set_precision(precisions().at(s.precision), device); });
  const std::string_view backend = backend_for(device).name();

  const Data data = prepare_data(s);
  const std::unique_ptr<Module> model = build_model(s, data.train);
  model->to(device);
  const std::unique_ptr<Optimizer> optimizer = parse_flag(
      "--optimizer", [&] { return make_optimizer(s.optimizer, model->parameters(), s.lr); });
  Regularizers regularizers = parse_flag(
      "--regularizer", [&] { return make_regularizers(s.regularizers, model->parameters()); });

  TrainerOptions options = trainer_options(s, data.train);

  Json config = s.to_json();
  config.update({{"threads", num_threads()},
                 {"backend", backend},
                 {"backend_details", backend_for(device).details()},
                 {"version", version()},
                 {"train_samples", data.train.size()},
                 {"test_samples", data.test.size()},
                 {"data_checksum", s.output.empty() && ranks.size() == 1 ? "" : checksum(data)},
                 {"parameters", model->parameter_count()}});
  check_agreement(ranks, config);
  const std::unique_ptr<Communicator> gpus = communicator_on(device, ranks);
  DataParallel peers(gpus ? *gpus : ranks);
  if (ranks.size() > 1) options.peers = &peers;
  const bool root = ranks.is_root();
  std::optional<Log> log;
  if (root) log.emplace(s, config);
  if (root && !s.quiet) {
    fmt::print("{} on {}: {} training, {} test images; {} parameters; {}, {}{} threads, {}\n",
               s.model, s.dataset, data.train.size(), data.test.size(), model->parameter_count(),
               backend, ranks.size() > 1 ? fmt::format("{} ranks of ", ranks.size()) : "",
               num_threads(), s.precision);
    if (const std::string header = device_header(device); !header.empty())
      fmt::print("{}\n", header);
    if (!data.train.description.empty()) fmt::print("{}\n", data.train.description);
  }
  if (root && s.explain_kernels) {
    const int64_t rows = std::max<int64_t>(1, s.batch_size / ranks.size() / s.accumulate);
    fmt::print("{}", explain_kernels(*model, data.train.images.shape().without(0), rows));
  }

  std::map<std::string, std::string> metadata{
      {"model", s.model}, {"dataset", s.dataset}, {"version", std::string(version())}};
  if (const auto* normalize = options.evaluation_transform.target<Normalize>())
    write_normalization(metadata, *normalize);
  Trainer trainer(*model, *optimizer, std::move(regularizers), options);
  if (log) log->follow(trainer, *model, metadata);
  trainer.stop_requested = Interrupt::requested;
  const Interrupt interrupt;
  const auto seconds = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  try {
    const Splits splits{.train = &data.train,
                        .validation = data.validation ? &*data.validation : nullptr,
                        .test = &data.test};
    const std::optional<State> from =
        share_checkpoint(ranks, log ? log->checkpoint() : std::nullopt);
    const Stopped stopped = from ? trainer.fit(splits, *from) : trainer.fit(splits);
    const std::optional<Evaluation> final_train = trainer.try_evaluate(data.train);
    if (!log) return;
    log->finish(final_train, stopped, seconds());
    if (!s.export_onnx.empty() && stopped != Stopped::requested)
      write_file(s.export_onnx,
                 to_onnx(*model, {.input = data.train.images.shape().without(0),
                                  .normalize = options.evaluation_transform.target<Normalize>(),
                                  .metadata = metadata}));
  } catch (const DivergenceError& error) {
    // All ranks are here: rank 0 alone says so, once it has written it down.
    std::optional<DivergenceError> said;
    if (log) said = log->diverged(error);
    ranks.barrier();
    if (said) throw *said;
  }
}

}  // namespace
}  // namespace hebb::apps

int main(int argc, char** argv) {
  hebb::apps::TrainSettings settings;
  const std::unique_ptr<hebb::Communicator> ranks = hebb::Communicator::world();
  const int code = hebb::apps::run_app(
      {.name = "hebb-train",
       .description = "Trains a network on labelled images, with BEAN and other regularizers.",
       .before_failure = [&] { let_lower_ranks_speak(*ranks); }},
      argc, argv, [&](CLI::App& app) { settings.add_flags(app); },
      [&](CLI::App& app) {
        using namespace hebb::apps;
        parse_flag("--recipe", [&] { apply_recipe(app, settings.recipe); });
        train(settings, *ranks);
      });
  return end_program(*ranks, code);
}
