#include "analysis/gaussian_process.hpp"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/matmul.hpp"

namespace hebb {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Tensor as_rows(const Tensor& x) {
  check<ShapeError>(x.rank() >= 2 && x.numel() > 0,
                    "[gaussian_process] expected rows [N, ...], got {}", x);
  return x.reshape({x.size(0), x.numel() / x.size(0)});
}

Eigen::Map<RowMajor> as_matrix(const Tensor& x) {
  return {x.host<double>().data(), x.size(0), x.size(1)};
}

// ‖a_i - b_j‖² by the engine's product in the type of a, which is what takes the time.
MatrixXd squared_distances(const Tensor& a, const Tensor& b) {
  const NoGrad no_grad;
  const Tensor left = a.detach(), right = b.detach().to(a.dtype());
  const Tensor products = matmul(left, right, {.transpose_b = true}).to(DType::float64);
  const Tensor wide_left = left.to(DType::float64), wide_right = right.to(DType::float64);
  const VectorXd left_norms = as_matrix(wide_left).rowwise().squaredNorm();
  const VectorXd right_norms = as_matrix(wide_right).rowwise().squaredNorm();
  MatrixXd distances = -2 * as_matrix(products);
  distances.colwise() += left_norms;
  distances.rowwise() += right_norms.transpose();
  return distances.cwiseMax(0);
}

MatrixXd covariance(const RbfKernel& kernel, const MatrixXd& squared_distances) {
  const double scale = -0.5 / (kernel.length_scale * kernel.length_scale);
  return kernel.variance * (scale * squared_distances.array()).exp();
}

// Of each row; `log_sums` gets the logarithms of the rows' sums of exponentials.
MatrixXd softmax_rows(const MatrixXd& f, VectorXd* log_sums = nullptr) {
  const VectorXd largest = f.rowwise().maxCoeff();
  MatrixXd p = (f.colwise() - largest).array().exp();
  const VectorXd sums = p.rowwise().sum();
  if (log_sums) *log_sums = largest.array() + sums.array().log();
  p.array().colwise() /= sums.array();
  return p;
}

}  // namespace

// Laplace's approximation for one kernel, by Newton's method: Algorithm 3.3.
struct GaussianProcessClassifier::Posterior {
  RbfKernel kernel;
  MatrixXd a;                  // [n, C], f = K a
  MatrixXd residual;           // [n, C], y - π: the latent means elsewhere are k(x)ᵀ (y - π)
  std::vector<MatrixXd> e;     // E_c [n, n]
  Eigen::LLT<MatrixXd> sum_e;  // of Σ_c E_c
  double log_likelihood = 0;

  // Begins at the mode for another kernel where `start` is one.
  Posterior(const RbfKernel& rbf, const MatrixXd& distances, const MatrixXd& y,
            const Posterior* start)
      : kernel(rbf) {
    const MatrixXd k = covariance(kernel, distances);
    const auto n = k.rows(), classes = y.cols();
    a = start ? start->a : MatrixXd::Zero(n, classes);
    MatrixXd f = k * a, p;
    VectorXd log_sums;
    const auto objective = [&](const MatrixXd& at, const MatrixXd& latent) {
      p = softmax_rows(latent, &log_sums);
      return -0.5 * at.cwiseProduct(latent).sum() + y.cwiseProduct(latent).sum() - log_sums.sum();
    };
    double value = objective(a, f);
    if (const MatrixXd zero = MatrixXd::Zero(n, classes); start && objective(zero, zero) > value) {
      a = f = zero;
      value = objective(a, f);
    }
    p = softmax_rows(f);
    for (int iteration = 0; iteration < 100; ++iteration) {
      const double log_determinant = curvature(k, p);
      log_likelihood = value - log_determinant;
      const MatrixXd mean = p.cwiseProduct(f).rowwise().sum().replicate(1, classes);
      const MatrixXd b = p.cwiseProduct(f - mean) + y - p;
      MatrixXd c(n, classes);
      const MatrixXd kb = k * b;
      for (Eigen::Index i = 0; i < classes; ++i) c.col(i) = e[size_t(i)] * kb.col(i);
      const VectorXd shared = sum_e.solve(c.rowwise().sum());
      MatrixXd step = b - c - a;
      for (Eigen::Index i = 0; i < classes; ++i) step.col(i) += e[size_t(i)] * shared;
      const MatrixXd f_step = k * step;
      double length = 1, next = 0;
      for (;; length /= 2) {
        next = objective(a + length * step, f + length * f_step);
        if (next >= value || length < 1e-3) break;
      }
      if (!(next > value)) break;
      a += length * step;
      f += length * f_step;
      p = softmax_rows(f);
      const bool converged = next - value < 1e-9 * (1 + std::abs(value));
      value = next;
      if (converged) {
        log_likelihood = value - curvature(k, p);
        break;
      }
    }
    residual = y - p;
  }

  static RbfKernel fit(const RbfKernel& start, const MatrixXd& distances, const MatrixXd& y,
                       const GaussianProcessOptions& options);

  // E_c and Σ E_c for class probabilities p; the logarithm of the determinant's root.
  double curvature(const MatrixXd& k, const MatrixXd& p) {
    const auto n = k.rows(), classes = p.cols();
    double log_root = 0;
    MatrixXd sum = MatrixXd::Zero(n, n);
    e.resize(size_t(classes));
    for (Eigen::Index c = 0; c < classes; ++c) {
      const VectorXd root = p.col(c).cwiseSqrt();
      MatrixXd b = root.asDiagonal() * k * root.asDiagonal();
      b.diagonal().array() += 1;
      const Eigen::LLT<MatrixXd> factor(b);
      log_root += factor.matrixLLT().diagonal().array().log().sum();
      MatrixXd half = root.asDiagonal();
      factor.matrixL().solveInPlace(half);  // L⁻¹ D^½
      MatrixXd& e_c = e[size_t(c)];
      e_c.setZero(n, n);
      e_c.selfadjointView<Eigen::Lower>().rankUpdate(half.transpose());
      e_c.triangularView<Eigen::StrictlyUpper>() = e_c.transpose();
      sum += e_c;
    }
    sum_e.compute(sum);
    return log_root + sum_e.matrixLLT().diagonal().array().log().sum();
  }

  // Algorithm 3.4 for points with covariances k [points, n] to the training data: adds to `mean`
  // [points, C] and to `variance` [points].
  void predict(const MatrixXd& k, int64_t samples, Generator& generator, MatrixXd& mean,
               VectorXd& variance) const {
    const auto n = k.cols(), classes = residual.cols();
    const MatrixXd latent = k * residual;
    if (samples == 0) mean += softmax_rows(latent);
    // Of each class: M⁻¹ E_c k, where Σ E_c = M Mᵀ, and the variance without the other classes'.
    std::vector<MatrixXd> shared;
    MatrixXd own(k.rows(), classes);
    for (Eigen::Index c = 0; c < classes; ++c) {
      const MatrixXd b = e[size_t(c)] * k.transpose();
      own.col(c) = kernel.variance - b.cwiseProduct(k.transpose()).colwise().sum().array();
      shared.push_back(sum_e.matrixL().solve(b));
    }
    MatrixXd columns(n, classes), drawn(samples, classes);
    for (Eigen::Index i = 0; i < k.rows(); ++i) {
      for (Eigen::Index c = 0; c < classes; ++c) columns.col(c) = shared[size_t(c)].col(i);
      MatrixXd sigma = columns.transpose() * columns;
      sigma.diagonal() += own.row(i).transpose();
      variance(i) += sigma.trace() / double(classes);
      if (samples == 0) continue;
      sigma.diagonal().array() += 1e-9 * kernel.variance;
      const MatrixXd root = Eigen::LLT<MatrixXd>(sigma).matrixL();
      for (Eigen::Index s = 0; s < samples; ++s)
        for (Eigen::Index c = 0; c < classes; ++c) drawn(s, c) = generator.normal();
      drawn *= root.transpose();
      drawn.rowwise() += latent.row(i);
      mean.row(i) += softmax_rows(drawn).colwise().mean();
    }
  }
};

struct GaussianProcessClassifier::Data {
  Tensor x;  // [n, D]
  int64_t classes;
  std::vector<Posterior> members;

  Tensor check_rows(const Tensor& points) const {
    Tensor rows = as_rows(points).detach();
    check<ShapeError>(rows.size(1) == x.size(1),
                      "[gaussian_process] expected rows of {} numbers, got {}", x.size(1), points);
    return rows;
  }
};

namespace {

// Nelder and Mead's search for the highest value over two numbers, with at most `evaluations`.
template <class Function>
std::array<double, 2> search(std::array<double, 2> start, int64_t evaluations,
                             const Function& function) {
  struct Point {
    std::array<double, 2> at;
    double value;
  };
  constexpr double step = 1, tolerance = 1e-3;
  int64_t left = evaluations;
  const auto point = [&](std::array<double, 2> at) {
    --left;
    return Point{at, function(at)};
  };
  std::array<Point, 3> simplex = {point(start), point({start[0] + step, start[1]}),
                                  point({start[0], start[1] + step})};
  const auto worst_first = [](const Point& a, const Point& b) { return a.value < b.value; };
  for (;;) {
    std::ranges::sort(simplex, worst_first);
    Point &worst = simplex[0], &middle = simplex[1], &best = simplex[2];
    const double size =
        std::max(std::abs(best.at[0] - worst.at[0]) + std::abs(best.at[1] - worst.at[1]),
                 std::abs(best.at[0] - middle.at[0]) + std::abs(best.at[1] - middle.at[1]));
    if (left <= 0 || size < tolerance) return best.at;
    const auto along = [&](double factor) {
      std::array<double, 2> at{};
      for (size_t i = 0; i < 2; ++i) {
        const double centre = (best.at[i] + middle.at[i]) / 2;
        at[i] = centre + factor * (centre - worst.at[i]);
      }
      return point(at);
    };
    const Point reflected = along(1);
    if (reflected.value > best.value) {
      const Point expanded = along(2);
      worst = expanded.value > reflected.value ? expanded : reflected;
    } else if (reflected.value > middle.value) {
      worst = reflected;
    } else {
      const Point contracted = along(reflected.value > worst.value ? 0.5 : -0.5);
      if (contracted.value > std::max(worst.value, reflected.value)) {
        worst = contracted;
      } else {
        for (Point* p : {&worst, &middle})
          *p = point({(p->at[0] + best.at[0]) / 2, (p->at[1] + best.at[1]) / 2});
      }
    }
  }
}

}  // namespace

// The kernel with the highest marginal likelihood that the search finds. Each evaluation begins at
// the mode of the one before.
RbfKernel GaussianProcessClassifier::Posterior::fit(const RbfKernel& start,
                                                    const MatrixXd& distances, const MatrixXd& y,
                                                    const GaussianProcessOptions& o) {
  const auto kernel_at = [&](const std::array<double, 2>& logs) {
    return RbfKernel{std::clamp(std::exp(logs[0]), o.min_variance, o.max_variance),
                     std::clamp(std::exp(logs[1]), o.min_length_scale, o.max_length_scale)};
  };
  std::unique_ptr<Posterior> last;
  const auto evaluate = [&](const std::array<double, 2>& logs) {
    last = std::make_unique<Posterior>(kernel_at(logs), distances, y, last.get());
    return last->log_likelihood;
  };
  return kernel_at(
      search({std::log(start.variance), std::log(start.length_scale)}, o.evaluations, evaluate));
}

GaussianProcessClassifier::GaussianProcessClassifier(const Tensor& x, const Tensor& labels,
                                                     int64_t classes,
                                                     const GaussianProcessOptions& options)
    : data_(std::make_unique<Data>(Data{as_rows(x).detach(), classes, {}})) {
  const int64_t n = data_->x.size(0);
  check<ShapeError>(labels.dtype() == DType::int64 && labels.rank() == 1 && labels.size(0) == n,
                    "[gaussian_process] expected {} labels, got {}", n, labels);
  check(classes >= 2, "[gaussian_process] expected at least 2 classes, got {}", classes);
  check(!options.starts.empty(), "[gaussian_process] expected at least 1 start");
  MatrixXd y = MatrixXd::Zero(n, classes);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t label = labels.host<int64_t>()[size_t(i)];
    check(label >= 0 && label < classes, "[gaussian_process] expected labels in [0, {}), got {}",
          classes, label);
    y(i, label) = 1;
  }
  const MatrixXd distances = squared_distances(data_->x, data_->x);
  const int64_t seen = std::min(n, std::max<int64_t>(options.search_rows, 1));
  std::vector<Eigen::Index> rows;
  for (int64_t i = 0; i < seen; ++i) rows.push_back(i * n / seen);
  const MatrixXd seen_distances = distances(rows, rows), seen_y = y(rows, Eigen::all);
  for (const RbfKernel& start : options.starts) {
    check(start.variance > 0 && start.length_scale > 0,
          "[gaussian_process] expected kernel parameters above 0, got {} and {}", start.variance,
          start.length_scale);
    const RbfKernel kernel =
        options.evaluations > 0 ? Posterior::fit(start, seen_distances, seen_y, options) : start;
    data_->members.emplace_back(kernel, distances, y, nullptr);
  }
}

GaussianProcessClassifier::~GaussianProcessClassifier() = default;
GaussianProcessClassifier::GaussianProcessClassifier(GaussianProcessClassifier&&) noexcept =
    default;
GaussianProcessClassifier& GaussianProcessClassifier::operator=(
    GaussianProcessClassifier&&) noexcept = default;

std::vector<GaussianProcessClassifier::Member> GaussianProcessClassifier::members() const {
  std::vector<Member> members;
  for (const Posterior& member : data_->members)
    members.push_back({member.kernel, member.log_likelihood});
  return members;
}

Tensor GaussianProcessClassifier::probabilities(const Tensor& x) const {
  const Data& data = *data_;
  const Tensor rows = data.check_rows(x);
  const MatrixXd distances = squared_distances(rows, data.x);
  const auto count = double(data.members.size());
  std::vector<MatrixXd> by_member;
  MatrixXd mean = MatrixXd::Zero(rows.size(0), data.classes);
  for (const Posterior& member : data.members) {
    by_member.push_back(softmax_rows(covariance(member.kernel, distances) * member.residual));
    mean += by_member.back() / count;
  }
  const auto to_tensor = [](const MatrixXd& values, const Shape& shape, DType dtype) {
    const Tensor y = Tensor::empty({values.rows(), values.cols()}, {.dtype = DType::float64});
    as_matrix(y) = values;
    return y.to(dtype).reshape(shape);
  };
  const Tensor y = to_tensor(mean, {rows.size(0), data.classes}, x.dtype());
  return record(
      "gaussian_process", y, {x},
      [&data, rows, distances, by_member, to_tensor, shape = x.shape()](const Tensor& dy) {
        const Tensor wide = dy.to(DType::float64);
        const MatrixXd g = as_matrix(wide) / double(data.members.size());
        // What each covariance k(x, x_i) has to do with y, times k(x, x_i) / length_scale².
        MatrixXd weights = MatrixXd::Zero(distances.rows(), distances.cols());
        for (size_t i = 0; i < data.members.size(); ++i) {
          const Posterior& member = data.members[i];
          const MatrixXd& p = by_member[i];
          const VectorXd inner = p.cwiseProduct(g).rowwise().sum();
          const MatrixXd d_latent = p.cwiseProduct(g.colwise() - inner);
          const MatrixXd d_covariance = d_latent * member.residual.transpose();
          weights += d_covariance.cwiseProduct(covariance(member.kernel, distances)) /
                     (member.kernel.length_scale * member.kernel.length_scale);
        }
        const DType type = rows.dtype();
        const Tensor w = to_tensor(weights, {weights.rows(), weights.cols()}, type);
        const Tensor sums = to_tensor(weights.rowwise().sum(), {weights.rows(), 1}, type);
        return Grads{(matmul(w, data.x.to(type)) - sums * rows).reshape(shape)};
      });
}

GaussianProcessClassifier::Prediction GaussianProcessClassifier::predict(
    const Tensor& x, int64_t samples, Generator generator) const {
  check(samples >= 0, "[gaussian_process] expected at least 0 samples, got {}", samples);
  const Tensor rows = data_->check_rows(x);
  const int64_t points = rows.size(0), classes = data_->classes;
  const Prediction all{Tensor::empty({points, classes}, {.dtype = DType::float64}),
                       Tensor::empty({points}, {.dtype = DType::float64})};
  constexpr int64_t slice = 200;  // bounds the memory for [slice, n] matrices of each class
  for (int64_t begin = 0; begin < points; begin += slice) {
    const int64_t end = std::min(begin + slice, points);
    const MatrixXd distances = squared_distances(rows.slice(begin, end), data_->x);
    MatrixXd mean = MatrixXd::Zero(end - begin, classes);
    VectorXd variance = VectorXd::Zero(end - begin);
    for (const Posterior& member : data_->members)
      member.predict(covariance(member.kernel, distances), samples, generator, mean, variance);
    const auto count = double(data_->members.size());
    as_matrix(all.probabilities.slice(begin, end)) = mean / count;
    Eigen::Map<VectorXd>(all.deviation.slice(begin, end).host<double>().data(), end - begin) =
        (variance.cwiseMax(0) / count).cwiseSqrt();
  }
  return all;
}

double median_distance(const Tensor& x) {
  const Tensor rows = as_rows(x).detach();
  check<ShapeError>(rows.size(0) >= 2, "[median_distance] expected at least 2 rows, got {}", x);
  const MatrixXd squared = squared_distances(rows, rows);
  std::vector<double> distances;
  for (Eigen::Index i = 0; i < squared.rows(); ++i)
    for (Eigen::Index j = 0; j < i; ++j) distances.push_back(std::sqrt(squared(i, j)));
  const auto middle = distances.begin() + std::ssize(distances) / 2;
  std::ranges::nth_element(distances, middle);
  return *middle;
}

}  // namespace hebb
