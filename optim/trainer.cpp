#include "optim/trainer.hpp"

#include <chrono>
#include <cmath>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
#include "optim/clip.hpp"

namespace hebb {
namespace {

// What the random numbers of a run are for.
enum Stream : uint64_t { dropout_stream = 1 };

}  // namespace

// Adds up on the device, in float64, and is read once an epoch.
class Trainer::Sum {
 public:
  void add(const Tensor& value, double weight) {
    const NoGrad no_grad;
    const Tensor term = value.detach().to(DType::float64) * weight;
    sum_ = sum_.defined() ? sum_ + term : term;
  }
  double over(double count) const { return sum_.defined() ? sum_.item() / count : 0; }

 private:
  Tensor sum_;
};

Trainer::Trainer(Module& model, Optimizer& optimizer,
                 std::vector<std::unique_ptr<Regularizer>> regularizers, TrainerOptions options)
    : model_(model),
      optimizer_(optimizer),
      regularizers_(std::move(regularizers)),
      options_(std::move(options)),
      dropout_(Generator(options_.seed).split(dropout_stream)),
      base_lr_(optimizer.lr()),
      penalties_(regularizers_.size()) {
  for (const NamedTensor& parameter : optimizer.parameters())
    parameters_.push_back(parameter.tensor);
  if (!parameters_.empty()) device_ = parameters_.front().device();
}

void Trainer::check_options(const TrainingSet& data) const {
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

void Trainer::step(const Tensor& images, const Tensor& labels) {
  Context context{
      .training = true, .generator = &dropout_, .taps = regularizers_.empty() ? nullptr : &taps_};
  const Tensor logits = model_(images, context);
  loss_ = cross_entropy(logits, labels, {.label_smoothing = options_.label_smoothing});
  Tensor total = loss_;
  for (size_t i = 0; i < regularizers_.size(); ++i) {
    penalties_[i] = regularizers_[i]->penalty(taps_);
    if (penalties_[i].defined()) total = total + penalties_[i];
  }
  total.backward();
  taps_.clear();
  if (options_.clip_norm > 0) clip_grad_norm(parameters_, options_.clip_norm);
  optimizer_.step();
  optimizer_.zero_grad();
  correct_ = count_equal(argmax(logits.detach(), 1), labels);
}

bool Trainer::run_epoch(Loader& loader, EpochMetrics& metrics) {
  using Clock = std::chrono::steady_clock;
  Sum loss, correct;
  std::vector<Sum> penalties(regularizers_.size());
  int64_t images = 0, step = 0;
  bool requested = false;
  const Clock::time_point start = Clock::now();
  while (const std::optional<Batch> batch = loader.next()) {
    optimizer_.set_lr(options_.schedule.lr_at(step_++, total_steps_, base_lr_, loader.batches()));
    this->step(batch->images, batch->labels);
    const auto size = double(batch->size());
    images += batch->size();
    loss.add(loss_, size);
    correct.add(correct_, 1);
    for (size_t i = 0; i < penalties.size(); ++i)
      if (penalties_[i].defined()) penalties[i].add(penalties_[i], size);
    if (on_step) on_step(++step, loader.batches());
    if (stop_requested && stop_requested()) {
      requested = true;
      break;
    }
  }
  const auto count = double(images);
  metrics.lr = optimizer_.lr();
  metrics.train = {loss.over(count), correct.over(count)};
  for (const Sum& penalty : penalties) metrics.penalties.push_back(penalty.over(count));
  metrics.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  metrics.images_per_second = count / metrics.seconds;
  return requested;
}

Evaluation Trainer::evaluate(const Dataset& dataset) const {
  Loader loader(dataset, {.batch_size = options_.evaluation_batch_size,
                          .shuffle = false,
                          .prefetch = 0,
                          .transform = options_.evaluation_transform,
                          .device = device_});
  Sum loss, correct;
  for (const Batch& batch : loader) {
    const Tensor logits = model_(batch.images);
    loss.add(cross_entropy(logits, batch.labels), double(batch.size()));
    correct.add(count_equal(argmax(logits, 1), batch.labels), 1);
  }
  const auto count = double(dataset.size());
  return {loss.over(count), correct.over(count)};
}

Stopped Trainer::fit(const TrainingSet& data) {
  check_options(data);
  const auto both = [&](Sample& sample) {
    options_.transform(sample);
    options_.evaluation_transform(sample);
  };
  Loader loader(*data.train,
                {.batch_size = options_.batch_size,
                 .drop_last = options_.drop_last,
                 .seed = options_.seed,
                 // Without a transform a batch is made in less time than a worker takes to wake.
                 .prefetch = options_.transform ? 2 : 0,
                 .transform = !options_.transform              ? options_.evaluation_transform
                              : !options_.evaluation_transform ? options_.transform
                                                               : Transform(both),
                 .device = device_});
  check(loader.batches() > 0, "[trainer] expected at least one whole batch of {}, got {} samples",
        options_.batch_size, data.train->size());
  total_steps_ = options_.epochs * loader.batches();

  const EarlyStopping& stopping = options_.early_stopping;
  double best = HUGE_VAL;
  int64_t since_best = 0;
  for (int64_t epoch = 1; epoch <= options_.epochs; ++epoch) {
    EpochMetrics metrics;
    metrics.epoch = epoch;
    const bool requested = run_epoch(loader, metrics);
    if (data.validation) metrics.validation = evaluate(*data.validation);
    if (data.test) metrics.test = evaluate(*data.test);
    if (on_epoch) on_epoch(metrics);
    if (requested) return Stopped::requested;
    if (stopping.monitor == EarlyStopping::Monitor::none) continue;
    double total = metrics.train.loss;
    for (const double penalty : metrics.penalties) total += penalty;
    const double watched = stopping.monitor == EarlyStopping::Monitor::validation_loss
                               ? metrics.validation->loss
                               : total;
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
