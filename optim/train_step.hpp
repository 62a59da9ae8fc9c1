#pragma once

#include <functional>

#include "core/api.hpp"
#include "core/inline_vector.hpp"
#include "data/loader.hpp"
#include "layers/module.hpp"
#include "optim/optimizer.hpp"
#include "regularizers/regularizer.hpp"

namespace HEBB_API hebb {

struct TrainStepOptions {
  /// What gradients count, and what clipping sees of them; loss and penalties are not scaled.
  double weight = 1;
  double label_smoothing = 0;  ///< As in CrossEntropyOptions.
  double clip_norm = 0;        ///< Limit of the gradients' common 2-norm; 0: none. Not of replicas.
  /// Called at the end of each stage, in their order: for measurements.
  enum class Stage { forward, loss, penalty, backward, update };
  std::function<void(Stage)> on_stage = {};
};

/// What a step came to, on the model's device: nothing here has waited for it. The graph is spent.
struct TrainStep {
  Tensor logits;                      ///< [B, classes]
  Tensor loss;                        ///< Mean cross-entropy, without the penalties; a scalar.
                                      ///  Of R replicas [R], each its own, as are the penalties.
  InlineVector<Tensor, 3> penalties;  ///< Each regularizer's, undefined where it has none.
};

/// Adds the gradients of one pass to those that the parameters have: of the cross-entropy plus the
/// regularizers' penalties. The context says where dropout gets its numbers from and who watches;
/// training is on, the batch's rows are the context's, and the dense layers leave taps when there
/// are regularizers or the context asks for them.
TrainStep accumulate_gradients(const Module& model, const Regularizers& regularizers,
                               const Batch& batch, Context context,
                               const TrainStepOptions& options = {});

/// One step of training: cross-entropy plus the regularizers' penalties, backward, the optimiser's
/// update. The gradients are gone afterwards, also where it throws. Replicas take batches with R in
/// front, and each step is that of each alone. ValueError where their gradients are to be clipped,
/// ShapeError for a penalty that is not of each replica.
TrainStep train_step(const Module& model, Optimizer& optimizer, const Regularizers& regularizers,
                     const Batch& batch, Context context, const TrainStepOptions& options = {});

}  // namespace hebb
