#include "analysis/matrix.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"

namespace hebb {

Matrix::Matrix(const Tensor& values, const char* where)
    : values_(values.detach().to(Device::cpu()).to(DType::float64)),
      data_(values_.host<double>().data()) {
  check<ShapeError>(values.rank() == 2 && values.numel() > 0,
                    "[{}] expected a matrix with at least one element, got shape {}", where,
                    values.shape().to_string());
  const auto all = elements();
  const auto bad =
      std::find_if_not(all.begin(), all.end(), [](double x) { return std::isfinite(x); });
  check(bad == all.end(), "[{}] expected finite values, got {} in row {}", where,
        bad == all.end() ? 0.0 : *bad, (bad - all.begin()) / cols());
}

double squared_distance(const double* a, const double* b, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

DenseLabels::DenseLabels(std::span<const int64_t> labels) : values(labels.begin(), labels.end()) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  sizes.assign(values.size(), 0);
  of.reserve(labels.size());
  for (const int64_t label : labels) {
    of.push_back(std::lower_bound(values.begin(), values.end(), label) - values.begin());
    ++sizes[of.back()];
  }
}

void check_labels(std::span<const int64_t> labels, int64_t count, const char* where,
                  int64_t lowest) {
  for (const int64_t label : labels)
    check(lowest <= label && label < count, "[{}] expected labels in [{}, {}), got {}", where,
          lowest, count, label);
}

}  // namespace hebb
