#include "analysis/selectivity.hpp"

#include <cmath>
#include <numeric>

#include "analysis/matrix.hpp"
#include "core/check.hpp"
#include "core/parallel.hpp"

namespace hebb {

ClassActivations::ClassActivations(int64_t classes) : classes_(classes) {
  check(classes >= 1, "[ClassActivations] expected at least 1 class, got {}", classes);
  counts_.resize(classes);
}

void ClassActivations::add(const Tensor& tensor, std::span<const int64_t> labels) {
  const Matrix activations(tensor, "ClassActivations");
  const int64_t n = activations.cols();
  if (neurons_ < 0) {
    neurons_ = n;
    sums_.resize(checked_multiply(classes_, n, "ClassActivations"));
  }
  check<ShapeError>(activations.rows() == std::ssize(labels) && n == neurons_,
                    "[ClassActivations] expected activations [{}, {}], got {}", labels.size(),
                    neurons_, tensor.shape().to_string());
  check_labels(labels, classes_, "ClassActivations");

  parallel_for(n, 64, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    for (int64_t s = 0; s < activations.rows(); ++s) {
      double* sum = sums_.data() + labels[s] * n;
      const double* h = activations.row(s);
      for (int64_t i = begin; i < end; ++i) sum[i] += h[i];
    }
  });
  for (const int64_t label : labels) ++counts_[label];
}

int64_t ClassActivations::samples() const {
  return std::accumulate(counts_.begin(), counts_.end(), int64_t(0));
}

Tensor ClassActivations::class_means() const {
  for (int64_t c = 0; c < classes_; ++c)
    check(counts_[c] > 0, "[ClassActivations] expected samples of all {} classes, got none of {}",
          classes_, c);
  Tensor means = Tensor::empty({classes_, neurons_}, {.dtype = DType::float64});
  const auto out = means.host<double>();
  for (int64_t k = 0; k < std::ssize(sums_); ++k) out[k] = sums_[k] / double(counts_[k / neurons_]);
  return means;
}

Tensor ClassActivations::mean() const {
  check(samples() > 0, "[ClassActivations] expected at least one sample, got none");
  std::vector<double> means(neurons_);
  for (int64_t k = 0; k < std::ssize(sums_); ++k) means[k % neurons_] += sums_[k];
  for (double& mean : means) mean /= double(samples());
  return Tensor::from(means, {neurons_});
}

Selectivity selectivity(const Tensor& class_means, const SelectivityOptions& options) {
  const Matrix means(class_means, "selectivity");
  const int64_t classes = means.rows();
  check(classes >= 2, "[selectivity] expected at least 2 classes, got {}", classes);
  Selectivity result;
  for (int64_t i = 0; i < means.cols(); ++i) {
    int64_t most = 0;
    double sum = 0, magnitude = 0;
    for (int64_t c = 0; c < classes; ++c) {
      if (means(c, i) > means(most, i)) most = c;
      sum += means(c, i);
      magnitude = std::max(magnitude, std::abs(means(c, i)));
    }
    const bool dead = magnitude <= options.dead_below;
    const double highest = means(most, i), others = (sum - highest) / double(classes - 1);
    result.index.push_back(!dead && highest + others > 0 ? (highest - others) / (highest + others)
                                                         : 0);
    result.most_selective.push_back(dead ? -1 : most);
    result.dead += dead;
  }
  return result;
}

}  // namespace hebb
