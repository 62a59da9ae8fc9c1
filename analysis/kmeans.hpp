#pragma once

#include <cstdint>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

struct KMeansOptions {
  int64_t clusters = 10;
  int restarts = 100;        ///< Independent starts; the one of least inertia is returned.
  int max_iterations = 300;  ///< For each start.
  uint64_t seed = 0;
};

struct KMeans {
  std::vector<int64_t> labels;  ///< [N], 0..clusters-1; cluster 0 is the largest, and so on down.
  std::vector<int64_t> sizes;   ///< [clusters], how many points each has.
  Tensor centers;               ///< float64 [clusters, D].
  double inertia = 0;           ///< Σ squared distances of the points to their centers.
  int iterations = 0;           ///< Of the start that won.
};

/// K-means of the rows of `points` [N, D] (any device, any floating type; computed in float64):
/// greedy k-means++ starts (Arthur & Vassilvitskii, SODA 2007), then Lloyd's algorithm until no
/// label changes, then moves of single points (Hartigan 1975), in turn until neither lowers the
/// inertia. A cluster that runs empty takes the point that lies farthest from its center;
/// clusters stay empty only when there are fewer distinct points than clusters.
///
/// ShapeError unless `points` is a matrix, ValueError when it holds a value that is not finite or
/// when there are not 1 <= clusters <= N.
KMeans kmeans(const Tensor& points, const KMeansOptions& options = {});

}  // namespace hebb
