#include "analysis/pca.hpp"

#include <Eigen/Eigenvalues>

#include "analysis/matrix.hpp"
#include "core/check.hpp"

namespace hebb {

Pca pca(const Tensor& tensor, int64_t components) {
  const Matrix points(tensor, "pca");
  const int64_t n = points.rows(), d = points.cols();
  check(components >= 1 && components <= d, "[pca] expected 1 to {} components, got {}", d,
        components);

  using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Rows centered = Eigen::Map<const Rows>(points.row(0), n, d);
  centered.rowwise() -= centered.colwise().mean().eval();
  const Eigen::MatrixXd covariance = centered.transpose() * centered / double(n);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> eigen(covariance);

  const auto matrix = [](int64_t rows, int64_t cols) {
    return Tensor::empty({rows, cols}, {.dtype = DType::float64});
  };
  Pca result{
      .components = matrix(components, d), .projected = matrix(n, components), .variances = {}};
  Eigen::Map<Rows> axes(result.components.host<double>().data(), components, d);
  for (int64_t k = 0; k < components; ++k) {  // Eigen sorts ascending.
    axes.row(k) = eigen.eigenvectors().col(d - 1 - k).transpose();
    Eigen::Index largest = 0;
    axes.row(k).cwiseAbs().maxCoeff(&largest);
    if (axes(k, largest) < 0) axes.row(k) *= -1;
    result.variances.push_back(std::max(0.0, eigen.eigenvalues()[d - 1 - k]));
  }
  Eigen::Map<Rows>(result.projected.host<double>().data(), n, components) =
      centered * axes.transpose();
  return result;
}

}  // namespace hebb
