#include "analysis/tsne.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "analysis/matrix.hpp"
#include "analysis/pca.hpp"
#include "core/check.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"

namespace hebb {
namespace {

constexpr int64_t grain = 8;  // points
constexpr double start_deviation = 1e-4;

/// The neighbours' probabilities p(j | i) of a Gaussian around point i whose entropy is that of
/// `perplexity` equal neighbours, in place of the squared distances.
void calibrate(double* row, int64_t n, int64_t i, double perplexity) {
  row[i] = std::numeric_limits<double>::infinity();
  const double nearest = *std::min_element(row, row + n);
  for (int64_t j = 0; j < n; ++j) row[j] -= nearest;

  const double target = std::log(perplexity);
  double precision = 1, lower = 0, upper = std::numeric_limits<double>::infinity(), sum = 0;
  for (int step = 0; step < 100; ++step) {
    double moment = 0;
    sum = 0;
    for (int64_t j = 0; j < n; ++j) {
      if (j == i) continue;
      const double p = std::exp(-precision * row[j]);
      sum += p;
      moment += p * row[j];
    }
    const double excess = std::log(sum) + precision * moment / sum - target;
    if (std::abs(excess) <= 1e-5) break;
    if (excess > 0) {
      lower = precision;
      precision = std::isinf(upper) ? 2 * precision : (precision + upper) / 2;
    } else {
      upper = precision;
      precision = (precision + lower) / 2;
    }
  }
  for (int64_t j = 0; j < n; ++j) row[j] = j == i ? 0 : std::exp(-precision * row[j]) / sum;
}

/// The joint probabilities P, which sum to 1.
std::vector<double> affinities(const Matrix& points, double perplexity) {
  const int64_t n = points.rows();
  std::vector<double> p(n * n);
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j = 0; j < n; ++j)
        p[i * n + j] = squared_distance(points.row(i), points.row(j), points.cols());
      calibrate(p.data() + i * n, n, i, perplexity);
    }
  });
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < i; ++j)
      p[i * n + j] = p[j * n + i] = (p[i * n + j] + p[j * n + i]) / double(2 * n);
  return p;
}

/// A map of n points: first all x, then all y.
using Plane = std::vector<double>;

Plane start(const Tensor& points, const TsneOptions& options) {
  const int64_t n = points.size(0);
  Plane plane(2 * n);
  Generator generator(options.seed);
  for (double& coordinate : plane) coordinate = start_deviation * generator.normal();
  if (options.start == TsneOptions::Start::random) return plane;

  // Directions without variance keep their random start: from a line, or from one point, the
  // gradient leads nowhere.
  const Pca axes = pca(points, std::min<int64_t>(2, points.size(1)));
  const double* projected = axes.projected.host<double>().data();
  const int64_t count = std::ssize(axes.variances);
  for (int64_t k = 0; k < count; ++k) {
    if (axes.variances[k] <= 1e-20 * axes.variances[0] || axes.variances[k] == 0) continue;
    for (int64_t i = 0; i < n; ++i)
      plane[k * n + i] = projected[i * count + k] / std::sqrt(axes.variances[0]) * start_deviation;
  }
  return plane;
}

/// Sums over the other points of one point's attraction Σ p q d, repulsion Σ q² d and q, with
/// d the difference of their places in the map and q = 1 / (1 + |d|²).
struct Forces {
  double attraction_x = 0, attraction_y = 0, repulsion_x = 0, repulsion_y = 0, q = 0;
};

Forces forces_on(int64_t i, const double* p, const double* x, const double* y, int64_t n) {
  // Independent partial sums let the compiler use vectors without reordering anything.
  constexpr int lanes = 8;
  double ax[lanes] = {}, ay[lanes] = {}, rx[lanes] = {}, ry[lanes] = {}, qs[lanes] = {};
  const auto accumulate = [&](int64_t j, int lane) {
    const double dx = x[i] - x[j], dy = y[i] - y[j];
    const double q = 1 / (1 + dx * dx + dy * dy);
    const double pq = p[j] * q, qq = q * q;
    ax[lane] += pq * dx;
    ay[lane] += pq * dy;
    rx[lane] += qq * dx;
    ry[lane] += qq * dy;
    qs[lane] += q;
  };
  int64_t j = 0;
  for (; j + lanes <= n; j += lanes)
    for (int lane = 0; lane < lanes; ++lane) accumulate(j + lane, lane);
  for (; j < n; ++j) accumulate(j, 0);
  const auto total = [](const double(&sums)[lanes]) {
    return std::accumulate(sums, sums + lanes, 0.0);
  };
  return {total(ax), total(ay), total(rx), total(ry), total(qs) - 1};  // without the point itself
}

class Descent {
 public:
  Descent(const Matrix& points, Plane plane, double perplexity)
      : n_(points.rows()),
        p_(affinities(points, perplexity)),
        plane_(std::move(plane)),
        velocity_(2 * n_),
        gains_(2 * n_, 1.0),
        forces_(n_) {}

  void step(double exaggeration, double momentum, double learning_rate) {
    const double* x = plane_.data();
    parallel_for(n_, grain, [&](int64_t begin, int64_t end) {
      const FlushSubnormals flush;
      for (int64_t i = begin; i < end; ++i)
        forces_[i] = forces_on(i, p_.data() + i * n_, x, x + n_, n_);
    });
    const double z = normalizer();
    for (int64_t i = 0; i < n_; ++i) {
      const Forces& f = forces_[i];
      move(i, 4 * (exaggeration * f.attraction_x - f.repulsion_x / z), momentum, learning_rate);
      move(n_ + i, 4 * (exaggeration * f.attraction_y - f.repulsion_y / z), momentum,
           learning_rate);
    }
  }

  /// Forgets velocities and gains, which grew under another objective.
  void rest() {
    std::fill(velocity_.begin(), velocity_.end(), 0.0);
    std::fill(gains_.begin(), gains_.end(), 1.0);
  }

  double kl_divergence() const {
    std::vector<double> divergence(n_), q(n_);
    const double *x = plane_.data(), *y = x + n_;
    parallel_for(n_, grain, [&](int64_t begin, int64_t end) {
      const FlushSubnormals flush;
      for (int64_t i = begin; i < end; ++i) {
        for (int64_t j = 0; j < n_; ++j) {
          if (j == i) continue;
          const double distance = (x[i] - x[j]) * (x[i] - x[j]) + (y[i] - y[j]) * (y[i] - y[j]);
          const double p = p_[i * n_ + j];
          q[i] += 1 / (1 + distance);
          if (p > 0) divergence[i] += p * std::log(p * (1 + distance));
        }
      }
    });
    // Σ p log(p / (q / z)) with Σ p = 1.
    return std::accumulate(divergence.begin(), divergence.end(), 0.0) +
           std::log(std::accumulate(q.begin(), q.end(), 0.0));
  }

  Tensor embedding() const {
    Tensor result = Tensor::empty({n_, 2}, {.dtype = DType::float64});
    const auto rows = result.host<double>();
    for (int64_t i = 0; i < n_; ++i) {
      rows[2 * i] = plane_[i];
      rows[2 * i + 1] = plane_[n_ + i];
    }
    return result;
  }

 private:
  double normalizer() const {
    double z = 0;
    for (const Forces& f : forces_) z += f.q;
    return z;
  }

  void move(int64_t k, double gradient, double momentum, double learning_rate) {
    const bool onward = velocity_[k] * gradient < 0;
    gains_[k] = std::max(0.01, onward ? gains_[k] + 0.2 : gains_[k] * 0.8);
    velocity_[k] = momentum * velocity_[k] - learning_rate * gains_[k] * gradient;
    plane_[k] += velocity_[k];
  }

  int64_t n_;
  std::vector<double> p_;
  Plane plane_, velocity_, gains_;
  std::vector<Forces> forces_;
};

}  // namespace

Tsne tsne(const Tensor& tensor, const TsneOptions& options) {
  const FlushSubnormals flush;
  const Matrix points(tensor, "tsne");
  const int64_t n = points.rows();
  check(options.perplexity >= 1 && options.perplexity < double(n),
        "[tsne] expected a perplexity of at least 1 and below the {} points, got {}", n,
        options.perplexity);
  check(options.iterations >= 1 && options.exaggeration_iterations >= 0,
        "[tsne] expected at least 1 iteration and 0 with exaggeration, got {} and {}",
        options.iterations, options.exaggeration_iterations);
  check(options.early_exaggeration >= 1 && options.learning_rate >= 0,
        "[tsne] expected an exaggeration of at least 1 and a learning rate of at least 0, got {} "
        "and {}",
        options.early_exaggeration, options.learning_rate);

  const double learning_rate = options.learning_rate > 0
                                   ? options.learning_rate
                                   : std::max(double(n) / options.early_exaggeration / 4, 50.0);
  Descent descent(points, start(tensor, options), options.perplexity);
  for (int iteration = 0; iteration < options.iterations; ++iteration) {
    const bool early = iteration < options.exaggeration_iterations;
    if (iteration == options.exaggeration_iterations) descent.rest();
    descent.step(early ? options.early_exaggeration : 1, early ? 0.5 : 0.8, learning_rate);
    if (options.on_progress && (iteration + 1) % 50 == 0)
      options.on_progress({iteration + 1, options.iterations, descent.kl_divergence()});
  }
  const double divergence = descent.kl_divergence();
  check(std::isfinite(divergence),
        "[tsne] the map diverged; expected a smaller learning rate than {}", learning_rate);
  return {descent.embedding(), divergence};
}

}  // namespace hebb
