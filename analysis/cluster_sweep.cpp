#include "analysis/cluster_sweep.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb {

std::vector<ClusterSweepEntry> cluster_sweep(const Tensor& points,
                                             const ClusterSweepOptions& options) {
  check<ShapeError>(points.rank() == 2, "[cluster_sweep] expected a matrix, got shape {}",
                    points.shape().to_string());
  check(2 <= options.first && options.first <= options.last && options.last < points.size(0),
        "[cluster_sweep] expected 2 <= first <= last < {}, got {} and {}", points.size(0),
        options.first, options.last);
  std::vector<ClusterSweepEntry> sweep;
  for (int64_t k = options.first; k <= options.last; ++k) {
    KMeans found =
        kmeans(points, {.clusters = k, .restarts = options.restarts, .seed = options.seed});
    Silhouette judged = silhouette(points, found.labels, options.metric);
    sweep.push_back({std::move(found), std::move(judged)});
  }
  return sweep;
}

const ClusterSweepEntry& best(const std::vector<ClusterSweepEntry>& sweep) {
  check(!sweep.empty(), "[best] expected a sweep with at least one entry");
  return *std::max_element(sweep.begin(), sweep.end(), [](const auto& a, const auto& b) {
    return a.silhouette.mean < b.silhouette.mean;
  });
}

}  // namespace hebb
