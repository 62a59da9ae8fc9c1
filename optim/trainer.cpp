#include "optim/trainer.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"

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

// Adds up on the device, in float64: it waits for the device only where it is read. A term that is
// not finite stays in it.
class Trainer::Sum {
 public:
  void add(const Tensor& value, double weight) {
    const NoGrad no_grad;
    const Tensor term = value.detach().to(DType::float64) * weight;
    sum_ = sum_.defined() ? sum_ + term : term;
  }
  double over(double count) const { return sum_.defined() ? sum_.item() / count : 0; }
  bool is_finite() const { return !sum_.defined() || std::isfinite(sum_.item()); }

 private:
  Tensor sum_;
};

struct Trainer::Run {
  Loader loader;
  Generator dropout;
  int64_t steps_done = 0;
};

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
  check(data.train && data.train->size() > 0, "[trainer] expected at least 1 training sample");
}

// The sums of an epoch, batch by batch.
struct Trainer::Totals {
  Sum loss, correct;
  std::vector<Sum> penalties;
  int64_t images = 0;

  explicit Totals(size_t regularizers) : penalties(regularizers) {}
  void add(const TrainStep& step, const Batch& batch) {
    const auto size = double(batch.size());
    images += batch.size();
    loss.add(step.loss, size);
    correct.add(count_equal(argmax(step.logits, 1), batch.labels), 1);
    for (size_t i = 0; i < penalties.size(); ++i)
      if (step.penalties[i].defined()) penalties[i].add(step.penalties[i], size);
  }
  bool are_finite() const {
    return loss.is_finite() && std::ranges::all_of(penalties, &Sum::is_finite);
  }
  void write(EpochMetrics& metrics) const {
    const auto count = double(images);
    metrics.train = {loss.over(count), correct.over(count)};
    for (const Sum& penalty : penalties) metrics.penalties.push_back(penalty.over(count));
  }
};

void Trainer::check_loss(const Totals& totals, int64_t epoch, int64_t step, int64_t steps) const {
  const int64_t interval = device_.is_cpu() ? 1 : 50;
  if (options_.on_divergence == OnDivergence::go_on || (step % interval != 0 && step != steps) ||
      totals.are_finite())
    return;
  throw DivergenceError(
      fmt::format(
          "[trainer] the training loss is not finite any more in epoch {}, step {} of {}: try "
          "a smaller learning rate, a warm-up or a limit of the gradients' norm",
          epoch, step, steps),
      epoch, step);
}

// Whether training was asked to stop.
bool Trainer::run_epoch(Run& run, EpochMetrics& metrics) {
  const int64_t batches = run.loader.batches(), total_steps = options_.epochs * batches;
  const TrainStepOptions step_options{.label_smoothing = options_.label_smoothing,
                                      .clip_norm = options_.clip_norm};
  Totals totals(regularizers_.size());
  int64_t batch_number = 0;
  bool requested = false;
  const Clock::time_point start = Clock::now();
  while (!requested) {
    const Clock::time_point asked = Clock::now();
    const std::optional<Batch> batch = run.loader.next();
    metrics.loader_seconds += seconds_since(asked);
    if (!batch) break;
    optimizer_.set_lr(options_.schedule.lr_at(run.steps_done++, total_steps, base_lr_, batches));
    totals.add(train_step(model_, optimizer_, regularizers_, *batch, {.generator = &run.dropout},
                          step_options),
               *batch);
    check_loss(totals, metrics.epoch, ++batch_number, batches);
    if (on_step) on_step(batch_number, batches);
    requested = stop_requested && stop_requested();
  }
  metrics.lr = optimizer_.lr();
  totals.write(metrics);
  metrics.seconds = seconds_since(start);
  metrics.images_per_second = double(totals.images) / metrics.seconds;
  return requested;
}

std::optional<Evaluation> Trainer::look_at(const Dataset& dataset,
                                           const std::function<bool()>& stop) const {
  Loader loader(dataset, {.batch_size = options_.evaluation_batch_size,
                          .shuffle = false,
                          .prefetch = 0,
                          .transform = options_.evaluation_transform,
                          .device = device_});
  Sum loss, correct;
  for (const Batch& batch : loader) {
    if (stop && stop()) return std::nullopt;
    const Tensor logits = model_(batch.images);
    loss.add(cross_entropy(logits, batch.labels), double(batch.size()));
    correct.add(count_equal(argmax(logits, 1), batch.labels), 1);
  }
  const auto count = double(dataset.size());
  return Evaluation{loss.over(count), correct.over(count)};
}

Evaluation Trainer::evaluate(const Dataset& dataset) const { return *look_at(dataset, {}); }

std::optional<Evaluation> Trainer::try_evaluate(const Dataset& dataset) const {
  return look_at(dataset, stop_requested);
}

LoaderOptions Trainer::loader_options() const {
  const Transform &random = options_.transform, &fixed = options_.evaluation_transform;
  const auto both = [random, fixed](Sample& sample) {
    random(sample);
    fixed(sample);
  };
  return {.batch_size = options_.batch_size,
          .drop_last = options_.drop_last,
          .seed = options_.seed,
          // Without a transform a batch is made in less time than a worker takes to wake.
          .prefetch = random ? 2 : 0,
          .transform = !random  ? fixed
                       : !fixed ? random
                                : Transform(both),
          .device = device_};
}

Stopped Trainer::fit(const Splits& data) {
  check_options(data);
  Run run{.loader = Loader(*data.train, loader_options()),
          .dropout = Generator(options_.seed).split(dropout_stream)};
  check(run.loader.batches() > 0,
        "[trainer] expected at least one whole batch of {}, got {} samples", options_.batch_size,
        data.train->size());
  const EarlyStopping& stopping = options_.early_stopping;
  double best = HUGE_VAL;
  int64_t since_best = 0;
  for (int64_t epoch = 1; epoch <= options_.epochs; ++epoch) {
    EpochMetrics metrics;
    metrics.epoch = epoch;
    bool requested = run_epoch(run, metrics);
    const auto look = [&](const Dataset* set, std::optional<Evaluation>& result) {
      if (!set || requested) return;
      result = try_evaluate(*set);
      requested = !result;
    };
    look(data.validation, metrics.validation);
    look(data.test, metrics.test);
    if (on_epoch) on_epoch(metrics);
    if (requested) return Stopped::requested;
    if (stopping.monitor == EarlyStopping::Monitor::none) continue;
    const double watched = stopping.monitor == EarlyStopping::Monitor::validation_loss
                               ? metrics.validation->loss
                               : std::accumulate(metrics.penalties.begin(), metrics.penalties.end(),
                                                 metrics.train.loss);
    if (watched < best - stopping.min_change * std::abs(best) || best == HUGE_VAL) {
      best = watched;
      since_best = 0;
    } else if (++since_best >= stopping.patience) {
      return Stopped::early;
    }
  }
  return Stopped::all_epochs;
}

}  // namespace hebb
