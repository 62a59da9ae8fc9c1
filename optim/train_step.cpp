#include "optim/train_step.hpp"

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/softmax.hpp"
#include "core/precision.hpp"

namespace hebb {

TrainStep accumulate_gradients(const Module& model, const Regularizers& regularizers,
                               const Batch& batch, Context context,
                               const TrainStepOptions& options) {
  using Stage = TrainStepOptions::Stage;
  const auto ended = [&](Stage stage) {
    if (options.on_stage) options.on_stage(stage);
  };
  // Kept between calls, so that a step takes no memory for it.
  thread_local std::vector<DenseTap> own_taps;
  own_taps.clear();
  if (!context.taps && !regularizers.empty()) context.taps = &own_taps;
  context.training = true;
  context.rows = batch.rows;

  TrainStep step;
  step.logits = model(network_input(batch.images), context);
  ended(Stage::forward);
  step.loss =
      cross_entropy(step.logits, batch.labels,
                    {.label_smoothing = options.label_smoothing, .replicas = model.replicas() > 0});
  ended(Stage::loss);
  Tensor total = step.loss;
  for (const auto& regularizer : regularizers) {
    Tensor penalty = regularizer->penalty(*context.taps);
    if (penalty.defined()) {
      if (model.replicas() > 0 && penalty.shape() != step.loss.shape())
        fail<ShapeError>("[train_step] expected a penalty {} of shape {}, got {}",
                         regularizer->name(), step.loss.shape(), penalty.shape());
      total = total + penalty;
    }
    step.penalties.push_back(std::move(penalty));
  }
  ended(Stage::penalty);
  backward(total, Tensor::full(total.shape(), options.weight, total.options()));
  own_taps.clear();
  ended(Stage::backward);
  return step;
}

TrainStep train_step(const Module& model, Optimizer& optimizer, const Regularizers& regularizers,
                     const Batch& batch, Context context, const TrainStepOptions& options) {
  check(options.clip_norm == 0 || model.replicas() == 0,
        "[train_step] expected no clipping for {} replicas: a norm would be that of all",
        model.replicas());
  check(
      model.replicas() == 0 || optimizer.knows_replicas(),
      "[train_step] expected an optimiser of single elements for {} replicas, got one of matrices",
      model.replicas());
  TrainStep step;
  try {
    step = accumulate_gradients(model, regularizers, batch, std::move(context), options);
    optimizer.step(options.clip_norm);
  } catch (...) {
    optimizer.zero_grad();  // a part of them is none of the next step's
    throw;
  }
  optimizer.zero_grad();
  if (options.on_stage) options.on_stage(TrainStepOptions::Stage::update);
  return step;
}

}  // namespace hebb
