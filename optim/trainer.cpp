#include "optim/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/check.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/softmax.hpp"
#include "core/precision.hpp"
#include "optim/recorded_steps.hpp"
#include "optim/trainer_run.hpp"

namespace hebb {
namespace {

// What the random numbers of a run are for.
enum Stream : uint64_t { dropout_stream = 1 };

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

const Choices<OnDivergence>& divergence_choices() {
  static const Choices<OnDivergence> choices(
      "on-divergence", {{"stop", OnDivergence::stop}, {"continue", OnDivergence::go_on}});
  return choices;
}

const Choices<EarlyStopping::Monitor>& EarlyStopping::monitors() {
  static const Choices<Monitor> monitors("early-stopping",
                                         {{"none", Monitor::none},
                                          {"validation-loss", Monitor::validation_loss},
                                          {"train-loss", Monitor::train_loss}});
  return monitors;
}

Trainer::Trainer(Module& model, Optimizer& optimizer, Regularizers regularizers,
                 TrainerOptions options)
    : model_(model),
      optimizer_(optimizer),
      regularizers_(std::move(regularizers)),
      options_(std::move(options)),
      base_lr_(optimizer.lr()) {
  if (!optimizer.parameters().empty()) device_ = optimizer.parameters()[0].tensor.device();
}

void Trainer::check_options(const Splits& data) const {
  const TrainerOptions& o = options_;
  check(model_.replicas() == 0, "[trainer] expected a network without replicas, got {}",
        model_.replicas());
  check(o.epochs >= 1, "[trainer] expected at least 1 epoch, got {}", o.epochs);
  check(o.batch_size >= 1, "[trainer] expected a batch size of at least 1, got {}", o.batch_size);
  check(o.evaluation_batch_size >= 1,
        "[trainer] expected an evaluation batch size of at least 1, "
        "got {}",
        o.evaluation_batch_size);
  check(o.clip_norm >= 0 && std::isfinite(o.clip_norm),
        "[trainer] expected a gradient norm limit of at least 0, got {}", o.clip_norm);
  check(o.early_stopping.monitor == EarlyStopping::Monitor::none || o.early_stopping.patience >= 1,
        "[trainer] expected a patience of at least 1 epoch, got {}", o.early_stopping.patience);
  check(o.early_stopping.monitor != EarlyStopping::Monitor::validation_loss || data.validation,
        "[trainer] early stopping on the validation loss needs a validation set");
  check(o.accumulate >= 1, "[trainer] expected at least 1 part of a batch, got {}", o.accumulate);
  check(data.train && data.train->size() > 0, "[trainer] expected at least 1 training sample");
}

void Trainer::check_loss(int64_t step, int64_t steps) const {
  const int64_t interval = device_.is_cpu() ? 1 : 50;
  if (options_.on_divergence == OnDivergence::go_on || (step % interval != 0 && step != steps) ||
      run_->totals.are_finite())
    return;
  const int64_t epoch = run_->position.epoch + 1;
  throw DivergenceError(
      fmt::format(
          "[trainer] the training loss is not finite any more in epoch {}, step {} of {}: try "
          "a smaller learning rate, a warm-up or a limit of the gradients' norm",
          epoch, step, steps),
      epoch, step);
}

// Whether training was asked to stop.
bool Trainer::run_epoch(Loader& loader, RecordedSteps& steps, EpochMetrics& metrics) {
  Run& run = *run_;
  const int64_t batches = loader.batches(), total_steps = options_.epochs * batches;
  const auto lr_at = [&](int64_t step) {
    return options_.schedule.lr_at(step, total_steps, base_lr_, batches);
  };
  metrics.epoch = run.position.epoch + 1;
  int64_t step = run.position.epoch * batches + run.position.batch;
  // For an epoch that goes on after its last step: its rate is asked for below.
  if (run.position.batch > 0) optimizer_.set_lr(lr_at(step - 1));
  bool requested = false;
  const bool is_shared = options_.peers || options_.accumulate > 1;
  const bool steps_make = !is_shared && loader.makes_on_device();
  const double seconds_before = run.seconds;
  const Clock::time_point start = Clock::now();
  while (!requested) {
    const Clock::time_point asked = Clock::now();
    const std::optional<Batch> batch = steps_make ? loader.next_place() : loader.next();
    run.loader_seconds += seconds_since(asked);
    if (!batch) break;
    optimizer_.set_lr(lr_at(step++));
    if (is_shared)
      shared_step(*batch);
    else if (steps_make)
      steps.run(*batch, [&] { loader.make(*batch); });
    else
      steps.run(*batch);
    run.totals.images += batch->total();
    const int64_t number = loader.position().batch;
    check_loss(number, batches);
    run.position = loader.position();
    run.seconds = seconds_before + seconds_since(start);
    if (on_step) on_step(number, batches);
    requested = any_rank(stop_requested && stop_requested());
  }
  run.seconds = seconds_before + seconds_since(start);
  metrics.lr = optimizer_.lr();
  const std::vector<double> means = run.totals.means();
  metrics.train = {means[0], means[1]};
  metrics.penalties.assign(means.begin() + 2, means.end());
  metrics.seconds = run.seconds;
  metrics.loader_seconds = run.loader_seconds;
  metrics.images_per_second = double(run.totals.images) / run.seconds;
  return requested;
}

std::optional<Evaluation> Trainer::look_at(const Dataset& dataset,
                                           const std::function<bool()>& stop) const {
  // Losses are of whole batches; on the CPU the model sees these in parts, so that to look at a set
  // takes no more memory than to train on it.
  constexpr int64_t most = 100;
  const int64_t size = options_.evaluation_batch_size;
  const int64_t enough = std::max<int64_t>(1, (size + most - 1) / most);
  const int64_t parts = device_.is_cpu() && ranks() == 1 && size % enough == 0 ? enough : 1;
  Loader loader(dataset, {.batch_size = size / parts,
                          .shuffle = false,
                          .prefetch = 0,
                          .transform = options_.evaluation_transform,
                          .device = device_,
                          .rank = rank(),
                          .ranks = ranks()});
  EpochTotals totals(0, device_);
  std::vector<Tensor> logits;
  int64_t begin = 0;
  bool stopped = false;
  for (const Batch& batch : loader) {
    stopped = stop && stop();
    if (stopped) break;
    logits.push_back(model_(network_input(batch.images)));
    totals.images += batch.total();
    if (std::ssize(logits) < parts && loader.position().batch < loader.batches()) continue;
    const Tensor all = concat(logits);
    logits.clear();
    Batch whole = batch;
    if (parts > 1) whole.labels = dataset.labels.slice(begin, totals.images);
    begin = totals.images;
    totals.add({.logits = all, .loss = cross_entropy(all, whole.labels), .penalties = {}}, whole);
  }
  if (any_rank(stopped)) return std::nullopt;
  if (options_.peers) options_.peers->sum(totals.sums);
  const std::vector<double> means = totals.means();
  return Evaluation{means[0], means[1]};
}

Evaluation Trainer::evaluate(const Dataset& dataset) const { return *look_at(dataset, {}); }

std::optional<Evaluation> Trainer::try_evaluate(const Dataset& dataset) const {
  return look_at(dataset, stop_requested);
}

LoaderOptions Trainer::loader_options() const {
  return {.batch_size = options_.batch_size,
          .drop_last = options_.drop_last,
          .seed = options_.seed,
          // Without a transform a batch is made in less time than a worker takes to wake.
          .prefetch = options_.transform ? 2 : 0,
          .transform = compose({options_.transform, options_.evaluation_transform}),
          .device = device_,
          .rank = rank(),
          .ranks = ranks()};
}

Trainer::~Trainer() = default;

Loader Trainer::begin(const Splits& data) {
  check_options(data);
  Loader loader(*data.train, loader_options());
  check(loader.batches() > 0, "[trainer] expected at least one whole batch of {}, got {} samples",
        options_.batch_size, data.train->size());
  run_ = std::make_unique<Run>(Run{.position = loader.position(),
                                   .dropout = Generator(options_.seed).split(dropout_stream),
                                   .totals = EpochTotals(regularizers_.size(), device_),
                                   .history = {},
                                   .has_validation = data.validation != nullptr,
                                   .has_test = data.test != nullptr});
  return loader;
}

Stopped Trainer::fit(const Splits& data) {
  Loader loader = begin(data);
  take_weights_of_root();
  return go_on(data, loader);
}

Stopped Trainer::fit(const Splits& data, const State& from) {
  Loader loader = begin(data);
  load(from, loader);
  take_weights_of_root();
  return go_on(data, loader);
}

const std::vector<EpochMetrics>& Trainer::history() const {
  static const std::vector<EpochMetrics> none;
  return run_ ? run_->history : none;
}

// Notes how good an epoch was.
void Trainer::Run::compare(const EpochMetrics& metrics, const EarlyStopping& stopping) {
  if (stopping.monitor == EarlyStopping::Monitor::none) return;
  const double watched =
      stopping.monitor == EarlyStopping::Monitor::validation_loss
          ? metrics.validation->loss
          : std::accumulate(metrics.penalties.begin(), metrics.penalties.end(), metrics.train.loss);
  const bool better = watched < best - stopping.min_change * std::abs(best) || best == HUGE_VAL;
  since_best = better ? 0 : since_best + 1;
  if (better) best = watched;
}

bool Trainer::has_waited_enough() const {
  const EarlyStopping& stopping = options_.early_stopping;
  return stopping.monitor != EarlyStopping::Monitor::none && run_->since_best >= stopping.patience;
}

Stopped Trainer::go_on(const Splits& data, Loader& loader) {
  Run& run = *run_;
  const TrainStepOptions step_options{.label_smoothing = options_.label_smoothing,
                                      .clip_norm = options_.clip_norm};
  RecordedSteps steps(device_, run.dropout, [&](const Batch& batch) {
    run.totals.add(train_step(model_, optimizer_, regularizers_, batch, {.generator = &run.dropout},
                              step_options),
                   batch);
  });
  if (on_begin) on_begin();
  for (;;) {
    if (has_waited_enough()) return Stopped::early;
    if (std::ssize(run.history) >= options_.epochs) return Stopped::all_epochs;
    EpochMetrics metrics;
    bool requested = run_epoch(loader, steps, metrics);
    take_statistics_of_root();
    const auto look = [&](const Dataset* set, std::optional<Evaluation>& result) {
      if (!set || requested) return;
      result = try_evaluate(*set);
      requested = !result;
    };
    look(data.validation, metrics.validation);
    look(data.test, metrics.test);
    if (!requested) {
      run.compare(metrics, options_.early_stopping);
      run.end_epoch(metrics, loader.position());
    }
    if (on_epoch) on_epoch(metrics);
    if (requested) return Stopped::requested;
  }
}

}  // namespace hebb
