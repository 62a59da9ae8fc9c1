#pragma once

#include <cstdint>
#include <vector>

#include "analysis/kmeans.hpp"
#include "analysis/silhouette.hpp"
#include "core/api.hpp"

namespace HEBB_API hebb {

struct ClusterSweepOptions {
  int64_t first = 2, last = 15;  ///< Numbers of clusters, both included.
  Metric metric = Metric::euclidean;
  int restarts = 100;
  uint64_t seed = 0;
};

struct ClusterSweepEntry {
  KMeans kmeans;
  Silhouette silhouette;
  int64_t clusters() const { return std::ssize(kmeans.sizes); }
};

/// K-means with every number of clusters from `first` to `last` (at most N - 1), each judged by
/// its silhouettes. ValueError unless 2 <= first <= last < N.
std::vector<ClusterSweepEntry> cluster_sweep(const Tensor& points,
                                             const ClusterSweepOptions& options = {});

/// The entry of greatest mean silhouette: how many clusters describe the points best. The first of
/// equals; ValueError when there is none.
const ClusterSweepEntry& best(const std::vector<ClusterSweepEntry>& sweep);

}  // namespace hebb
