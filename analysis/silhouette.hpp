#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

enum class Metric { euclidean, squared_euclidean };

struct Silhouette {
  std::vector<double> values;  ///< [N], in [-1, 1].
  double mean = 0;             ///< Over all points.
};

/// How much nearer each point of `points` [N, D] is to its own cluster than to the next one
/// (Rousseeuw 1987): (b - a) / max(a, b), with a the mean distance to the other points of its
/// cluster and b the least mean distance to the points of another. A point alone in its cluster
/// has 0. The published values of other tools differ in the metric: scikit-learn takes Euclidean
/// distances, MATLAB squared ones.
///
/// `labels` [N] may be any integers. ShapeError when their number is not N, ValueError when they
/// name fewer than two clusters.
Silhouette silhouette(const Tensor& points, std::span<const int64_t> labels,
                      Metric metric = Metric::euclidean);

}  // namespace hebb
