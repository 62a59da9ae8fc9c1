#include "analysis/kmeans.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "analysis/matrix.hpp"
#include "core/check.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"

namespace hebb {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// One start of Lloyd's algorithm.
struct Run {
  Run(const Matrix& data, int64_t clusters)
      : points(data),
        centers(clusters * data.cols()),
        labels(data.rows(), -1),
        sizes(clusters),
        distances(data.rows(), infinity) {}

  const Matrix& points;
  std::vector<double> centers;
  std::vector<int64_t> labels, sizes;
  std::vector<double> distances;  // squared, of each point to its center
  int iterations = 0;

  int64_t clusters() const { return std::ssize(sizes); }
  double* center(int64_t c) { return centers.data() + c * points.cols(); }
  double inertia() const { return std::reduce(distances.begin(), distances.end()); }

  void place(int64_t c, int64_t point) { std::copy_n(points.row(point), points.cols(), center(c)); }

  // Each next center is the best of a few points drawn with probability proportional to their
  // squared distance from the centers so far.
  void start(Generator& generator) {
    const int64_t n = points.rows(), trials = 2 + int64_t(std::log(double(clusters())));
    std::vector<double> cumulative(n), candidate(n), best(n);
    for (int64_t c = 0; c < clusters(); ++c) {
      std::partial_sum(distances.begin(), distances.end(), cumulative.begin());
      const double total = cumulative.back();
      const bool weighted = c > 0 && total > 0;
      double best_total = infinity;
      int64_t chosen = 0;
      for (int64_t trial = 0; trial < (weighted ? trials : 1); ++trial) {
        const int64_t drawn =
            weighted ? std::min<int64_t>(std::upper_bound(cumulative.begin(), cumulative.end(),
                                                          generator.uniform() * total) -
                                             cumulative.begin(),
                                         n - 1)
                     : generator.below(n);
        double sum = 0;
        for (int64_t i = 0; i < n; ++i) {
          candidate[i] = std::min(
              distances[i], squared_distance(points.row(i), points.row(drawn), points.cols()));
          sum += candidate[i];
        }
        if (sum >= best_total) continue;
        best_total = sum;
        chosen = drawn;
        best.swap(candidate);
      }
      place(c, chosen);
      distances.swap(best);
    }
  }

  void assign() {
    std::fill(sizes.begin(), sizes.end(), 0);
    for (int64_t i = 0; i < points.rows(); ++i) {
      distances[i] = infinity;
      for (int64_t c = 0; c < clusters(); ++c) {
        const double distance = squared_distance(points.row(i), center(c), points.cols());
        if (distance >= distances[i]) continue;
        distances[i] = distance;
        labels[i] = c;
      }
      ++sizes[labels[i]];
    }
  }

  void fill_empty() {
    for (int64_t c = 0; c < clusters(); ++c) {
      if (sizes[c] > 0) continue;
      int64_t farthest = -1;
      double distance = 0;
      for (int64_t i = 0; i < points.rows(); ++i) {
        if (distances[i] <= distance || sizes[labels[i]] == 1) continue;
        distance = distances[i];
        farthest = i;
      }
      if (farthest < 0) return;
      --sizes[labels[farthest]];
      ++sizes[c];
      labels[farthest] = c;
      distances[farthest] = 0;
      place(c, farthest);
    }
  }

  void update() {
    for (int64_t c = 0; c < clusters(); ++c)
      if (sizes[c] > 0) std::fill_n(center(c), points.cols(), 0.0);
    for (int64_t i = 0; i < points.rows(); ++i)
      for (int64_t j = 0; j < points.cols(); ++j) center(labels[i])[j] += points(i, j);
    for (int64_t c = 0; c < clusters(); ++c)
      for (int64_t j = 0; j < points.cols() && sizes[c] > 0; ++j) center(c)[j] /= double(sizes[c]);
  }

  // Moves single points while that lowers the inertia (Hartigan 1975). Lloyd's algorithm stops at
  // many partitions that this still improves. True when a point has moved; centers are then
  // approximate.
  bool exchange() {
    bool moved = false;
    for (int64_t i = 0; i < points.rows(); ++i) {
      const int64_t from = labels[i];
      if (sizes[from] == 1) continue;
      const auto distance_to = [&](int64_t c) {
        return squared_distance(points.row(i), center(c), points.cols());
      };
      const double gain = distance_to(from) * double(sizes[from]) / double(sizes[from] - 1);
      double least = gain * (1 - 1e-9);  // Rounding must not make points wander forever.
      int64_t to = from;
      for (int64_t c = 0; c < clusters(); ++c) {
        if (c == from) continue;
        const double cost = distance_to(c) * double(sizes[c]) / double(sizes[c] + 1);
        if (cost >= least) continue;
        least = cost;
        to = c;
      }
      if (to == from) continue;
      --sizes[from];
      ++sizes[to];
      for (int64_t j = 0; j < points.cols(); ++j) {
        center(from)[j] -= (points(i, j) - center(from)[j]) / double(sizes[from]);
        center(to)[j] += (points(i, j) - center(to)[j]) / double(sizes[to]);
      }
      labels[i] = to;
      moved = true;
    }
    return moved;
  }

  void descend(int max_iterations) {
    std::vector<int64_t> previous;
    for (iterations = 0;; ++iterations) {
      previous = labels;
      assign();
      fill_empty();
      if (iterations == max_iterations || (labels == previous && !exchange())) return;
      update();
    }
  }
};

KMeans by_size(Run& run) {
  std::vector<int64_t> order(run.clusters()), rank(run.clusters());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return run.sizes[a] > run.sizes[b]; });
  const int64_t d = run.points.cols();
  KMeans result;
  result.inertia = run.inertia();
  result.iterations = run.iterations;
  result.centers = Tensor::empty({run.clusters(), d}, {.dtype = DType::float64});
  double* centers = result.centers.host<double>().data();
  for (int64_t c = 0; c < run.clusters(); ++c) {
    rank[order[c]] = c;
    result.sizes.push_back(run.sizes[order[c]]);
    std::copy_n(run.center(order[c]), d, centers + c * d);
  }
  for (const int64_t label : run.labels) result.labels.push_back(rank[label]);
  return result;
}

}  // namespace

KMeans kmeans(const Tensor& tensor, const KMeansOptions& options) {
  const Matrix points(tensor, "kmeans");
  check(options.clusters >= 1 && options.clusters <= points.rows(),
        "[kmeans] expected 1 to {} clusters for {} points, got {}", points.rows(), points.rows(),
        options.clusters);
  check(options.restarts >= 1 && options.max_iterations >= 1,
        "[kmeans] expected at least 1 restart and 1 iteration, got {} and {}", options.restarts,
        options.max_iterations);

  std::vector<Run> runs(options.restarts, Run(points, options.clusters));
  parallel_for(options.restarts, 1, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    for (int64_t r = begin; r < end; ++r) {
      Generator generator = Generator(options.seed).split(uint64_t(r));
      runs[r].start(generator);
      runs[r].descend(options.max_iterations);
    }
  });
  return by_size(*std::min_element(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return a.inertia() < b.inertia();
  }));
}

}  // namespace hebb
