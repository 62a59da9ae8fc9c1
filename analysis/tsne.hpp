#pragma once

#include <cstdint>
#include <functional>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

struct TsneProgress {
  int iteration, iterations;
  double kl_divergence;  ///< Without exaggeration.
};

struct TsneOptions {
  double perplexity = 30;  ///< Effective number of neighbours; at least 1 and below N.
  int iterations = 1000;
  double early_exaggeration = 12;  ///< Factor on the affinities in the first iterations.
  int exaggeration_iterations = 250;
  double learning_rate = 0;  ///< 0: max(N / early_exaggeration / 4, 50).
  /// Where the map starts: the first two principal components, the first scaled to a standard
  /// deviation of 1e-4, or normal random numbers of that deviation.
  enum class Start { pca, random } start = Start::pca;
  uint64_t seed = 0;                                          ///< Of the random start.
  std::function<void(const TsneProgress&)> on_progress = {};  ///< Called every 50 iterations.
};

struct Tsne {
  Tensor embedding;          ///< float64 [N, 2].
  double kl_divergence = 0;  ///< Of the map from the data, in nats.
};

/// t-SNE of the rows of `points` [N, D] to the plane (van der Maaten & Hinton, JMLR 2008), exact:
/// time N² for each iteration and 8 N² bytes, good for a few thousand points. Settings have
/// scikit-learn's defaults: momentum 0.5 during exaggeration and 0.8 after it, a gain for every
/// coordinate, and a fresh start of both between the two.
///
/// ShapeError unless `points` is a matrix, ValueError when it holds a value that is not finite or
/// an option is out of its range.
Tsne tsne(const Tensor& points, const TsneOptions& options = {});

}  // namespace hebb
