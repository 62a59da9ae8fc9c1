#include "analysis/sparsity.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>

#include "analysis/matrix.hpp"
#include "core/check.hpp"

namespace hebb {
namespace {

using Order = std::vector<int64_t>;

/// Indices of the elements by descending score; equals keep their order.
template <class Score>
Order strongest_first(int64_t n, Score score) {
  Order order(n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return score(a) > score(b); });
  return order;
}

Tensor like(const Tensor& original, const std::vector<double>& values) {
  return Tensor::from(values, original.shape()).to(original.dtype()).to(original.device());
}

Tensor keep_first(const Tensor& original, const Matrix& weight, const Order& order, double kept) {
  std::vector<double> pruned(weight.elements().size());
  const int64_t count = std::llround(kept * double(pruned.size()));
  for (int64_t i = 0; i < count; ++i) pruned[order[i]] = weight.elements()[order[i]];
  return like(original, pruned);
}

void check_share(double kept, const char* where) {
  check(kept >= 0 && kept <= 1, "[{}] expected a share in [0, 1], got {}", where, kept);
}

DenseLabels assemblies_of(std::span<const int64_t> labels, const Matrix& weight,
                          const char* where) {
  check<ShapeError>(std::ssize(labels) == weight.cols(),
                    "[{}] expected {} labels, one for each column of the weight, got {}", where,
                    weight.cols(), labels.size());
  return DenseLabels(labels);
}

}  // namespace

double sparsity(const Tensor& tensor, double threshold) {
  const Matrix weight(tensor, "sparsity");
  const auto all = weight.elements();
  return double(std::count_if(all.begin(), all.end(),
                              [&](double w) { return std::abs(w) < threshold; })) /
         double(all.size());
}

Tensor prune_by_magnitude(const Tensor& tensor, double kept) {
  check_share(kept, "prune_by_magnitude");
  const Matrix weight(tensor, "prune_by_magnitude");
  const auto w = weight.elements();
  return keep_first(tensor, weight,
                    strongest_first(std::ssize(w), [&](int64_t i) { return std::abs(w[i]); }),
                    kept);
}

Tensor prune_by_assembly(const Tensor& tensor, std::span<const int64_t> labels, double kept) {
  check_share(kept, "prune_by_assembly");
  const Matrix weight(tensor, "prune_by_assembly");
  const DenseLabels assemblies = assemblies_of(labels, weight, "prune_by_assembly");
  const auto w = weight.elements();
  const auto bundle = [&](int64_t i) {
    return i / weight.cols() * assemblies.count() + assemblies.of[i % weight.cols()];
  };
  std::vector<double> strength(weight.rows() * assemblies.count());
  for (int64_t i = 0; i < std::ssize(w); ++i) strength[bundle(i)] += std::abs(w[i]);
  for (int64_t b = 0; b < std::ssize(strength); ++b)
    strength[b] /= double(assemblies.sizes[b % assemblies.count()]);
  return keep_first(
      tensor, weight,
      strongest_first(
          std::ssize(w),
          [&](int64_t i) { return std::tuple(strength[bundle(i)], -bundle(i), std::abs(w[i])); }),
      kept);
}

Tensor prune_neurons(const Tensor& tensor, std::span<const int64_t> labels, double kept,
                     const PruneNeuronsOptions& options) {
  check_share(kept, "prune_neurons");
  const Matrix weight(tensor, "prune_neurons");
  const DenseLabels assemblies = assemblies_of(labels, weight, "prune_neurons");
  const int64_t n = weight.cols();
  std::vector<double> strength(n);
  for (int64_t m = 0; m < weight.rows(); ++m)
    for (int64_t i = 0; i < n; ++i) strength[i] += std::abs(weight(m, i));

  std::vector<double> scale(n);
  std::vector<int64_t> taken(assemblies.count());
  for (const int64_t i : strongest_first(n, [&](int64_t neuron) { return strength[neuron]; })) {
    const int64_t assembly = assemblies.of[i], size = assemblies.sizes[assembly];
    const auto wanted = int64_t(std::ceil(kept * double(size) - 1e-9));  // 0.55 * 20 > 11
    if (taken[assembly]++ < wanted)
      scale[i] = options.compensate ? double(size) / double(wanted) : 1;
  }
  std::vector<double> pruned(weight.elements().begin(), weight.elements().end());
  for (int64_t i = 0; i < std::ssize(pruned); ++i) pruned[i] *= scale[i % n];
  return like(tensor, pruned);
}

std::vector<PruningPoint> pruning_curve(std::span<const double> kept,
                                        const std::function<Tensor(double)>& prune,
                                        const std::function<double(const Tensor&)>& accuracy) {
  std::vector<PruningPoint> curve;
  for (const double share : kept) {
    const Tensor weight = prune(share);
    const Matrix matrix(weight, "pruning_curve");
    const auto elements = matrix.elements();
    const auto removed = std::count(elements.begin(), elements.end(), 0.0);
    curve.push_back({1 - double(removed) / double(elements.size()), accuracy(weight)});
  }
  return curve;
}

PruningPoint smallest_without_loss(std::vector<PruningPoint> curve, double tolerance) {
  check(!curve.empty(), "[smallest_without_loss] expected a curve with at least one point");
  std::stable_sort(curve.begin(), curve.end(),
                   [](const auto& a, const auto& b) { return a.connections > b.connections; });
  const auto loss = std::find_if(curve.begin() + 1, curve.end(), [&](const PruningPoint& point) {
    return point.accuracy < curve.front().accuracy - tolerance;
  });
  return *(loss - 1);
}

}  // namespace hebb
