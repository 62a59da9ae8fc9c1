#include "analysis/correlation.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/matrix.hpp"
#include "core/check.hpp"
#include "core/parallel.hpp"

namespace hebb {
namespace {

Tensor select(const Matrix& matrix, std::span<const int64_t> rows, std::span<const int64_t> cols) {
  check_labels(rows, matrix.rows(), "reorder");
  check_labels(cols, matrix.cols(), "reorder");
  Tensor result = Tensor::empty({std::ssize(rows), std::ssize(cols)}, {.dtype = DType::float64});
  double* out = result.host<double>().data();
  for (const int64_t i : rows)
    for (const int64_t j : cols) *out++ = matrix(i, j);
  return result;
}

std::vector<int64_t> all(int64_t n) {
  std::vector<int64_t> indices(n);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

}  // namespace

Tensor outgoing_weights(const Tensor& tensor) {
  const Matrix weight(tensor, "outgoing_weights");
  Tensor result = Tensor::empty({weight.cols(), weight.rows()}, {.dtype = DType::float64});
  double* out = result.host<double>().data();
  for (int64_t neuron = 0; neuron < weight.cols(); ++neuron)
    for (int64_t target = 0; target < weight.rows(); ++target) *out++ = weight(target, neuron);
  return result;
}

Tensor neuron_correlation(const Tensor& outgoing, const CorrelationOptions& options) {
  check(options.order == 1 || options.order == 2,
        "[neuron_correlation] expected order 1 or 2, got {}", options.order);
  const Matrix weights(outgoing, "neuron_correlation");
  const int64_t n = weights.rows(), m = weights.cols();
  std::vector<double> strength;
  for (const double w : weights.elements())
    strength.push_back(std::abs(std::tanh(options.gamma * w)));

  Tensor result = Tensor::empty({n, n}, {.dtype = DType::float64});
  double* a = result.host<double>().data();
  parallel_for(n, 16, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    for (int64_t i = begin; i < end; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        const double* fi = strength.data() + i * m;
        const double first =
            std::inner_product(fi, fi + m, strength.data() + j * m, 0.0) / double(m);
        a[i * n + j] = options.order == 1 ? first : first * first;
      }
    }
  });
  return result;
}

std::vector<int64_t> assembly_order(std::span<const int64_t> labels) {
  std::vector<int64_t> order = all(std::ssize(labels));
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return labels[a] < labels[b]; });
  return order;
}

Tensor reorder_rows(const Tensor& tensor, std::span<const int64_t> order) {
  const Matrix matrix(tensor, "reorder_rows");
  return select(matrix, order, all(matrix.cols()));
}

Tensor reorder(const Tensor& tensor, std::span<const int64_t> order) {
  const Matrix matrix(tensor, "reorder");
  check<ShapeError>(matrix.rows() == matrix.cols(), "[reorder] expected a square matrix, got {}",
                    tensor.shape().to_string());
  return select(matrix, order, order);
}

}  // namespace hebb
