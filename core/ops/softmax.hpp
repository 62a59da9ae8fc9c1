#pragma once

#include <optional>

#include "core/api.hpp"
#include "core/tensor.hpp"

/// Softmax, and losses of logits [N, C]. ShapeError for anything else, and where there are no
/// elements to choose from.
namespace HEBB_API hebb {

/// Over an axis, the last unless said otherwise, which is the fastest.
Tensor softmax(const Tensor& x, int axis = -1);
Tensor log_softmax(const Tensor& x, int axis = -1);

enum class Reduction { mean, sum, none };

struct CrossEntropyOptions {
  double label_smoothing = 0;  ///< In [0, 1): targets (1 - s) one-hot + s / C.
  Tensor weight = {};          ///< [C], of the classes' terms; no gradient flows to it.
  std::optional<int64_t> ignore_index = {};  ///< Labels that count nothing, whatever their number.
  /// mean divides by the sum of the labels' weights: NaN where none counts. none has labels' shape.
  Reduction reduction = Reduction::mean;
  /// Logits are [R, N, C] and labels [R, N], of R replicas: the means of each, [R]. Classes have
  /// one weight, and all labels count.
  bool replicas = false;
};

/// Cross-entropy of softmax(logits) [N, C] or [N, C, ...], which is over C, against labels int64
/// [N] or [N, ...], fused with its gradient; the mean of all unless said otherwise. ValueError for
/// a label outside [0, C) (on the CPU) or an empty batch.
Tensor cross_entropy(const Tensor& logits, const Tensor& labels,
                     const CrossEntropyOptions& options = {});
/// The same against target distributions [N, C]; rows weighted by weights [N] where defined
/// (the mean still divides by N). Not differentiable in targets and weights.
Tensor cross_entropy_soft(const Tensor& logits, const Tensor& targets, const Tensor& weights = {});

/// Mean over all elements of (x - y)², for tensors of one shape; differentiable in both. ValueError
/// when they are empty.
Tensor mean_squared_error(const Tensor& x, const Tensor& y);

/// Mean over rows of KL(p ‖ softmax(logits)) for distributions p [N, C]; 0 log 0 = 0. Rows are
/// weighted as in cross_entropy_soft. Not differentiable in p.
Tensor kl_divergence(const Tensor& p, const Tensor& logits, const Tensor& weights = {});

}  // namespace hebb
