#include "analysis/silhouette.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/matrix.hpp"
#include "core/check.hpp"
#include "core/parallel.hpp"

namespace hebb {

Silhouette silhouette(const Tensor& tensor, std::span<const int64_t> labels, Metric metric) {
  const Matrix points(tensor, "silhouette");
  const int64_t n = points.rows();
  check<ShapeError>(std::ssize(labels) == n, "[silhouette] expected {} labels, got {}", n,
                    labels.size());
  const DenseLabels clusters(labels);
  check(clusters.count() >= 2, "[silhouette] expected at least 2 clusters, got {}",
        clusters.count());

  Silhouette result{.values = std::vector<double>(n)};
  parallel_for(n, 16, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    std::vector<double> sums(clusters.count());
    for (int64_t i = begin; i < end; ++i) {
      const int64_t own = clusters.of[i];
      if (clusters.sizes[own] == 1) continue;
      std::fill(sums.begin(), sums.end(), 0.0);
      for (int64_t j = 0; j < n; ++j) {
        const double squared = squared_distance(points.row(i), points.row(j), points.cols());
        sums[clusters.of[j]] += metric == Metric::euclidean ? std::sqrt(squared) : squared;
      }
      double nearest = std::numeric_limits<double>::infinity();
      for (int64_t c = 0; c < clusters.count(); ++c)
        if (c != own) nearest = std::min(nearest, sums[c] / double(clusters.sizes[c]));
      const double within = sums[own] / double(clusters.sizes[own] - 1);
      const double larger = std::max(within, nearest);
      if (larger > 0) result.values[i] = (nearest - within) / larger;
    }
  });
  result.mean = std::reduce(result.values.begin(), result.values.end()) / double(n);
  return result;
}

}  // namespace hebb
