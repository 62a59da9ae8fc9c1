#include "analysis/mutual_information.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "analysis/entropy.hpp"
#include "analysis/matrix.hpp"
#include "core/check.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"

namespace hebb {
namespace {

using Options = MutualInformationOptions;

/// ψ(1) ... ψ(n) at [1] ... [n].
std::vector<double> digamma_table(int64_t n) {
  constexpr double euler = 0.577215664901532860606512;
  std::vector<double> psi(n + 1, -euler);
  for (int64_t i = 2; i <= n; ++i) psi[i] = psi[i - 1] + 1.0 / double(i - 1);
  return psi;
}

std::vector<double> column(const Matrix& matrix, int64_t j) {
  std::vector<double> values(matrix.rows());
  for (int64_t i = 0; i < matrix.rows(); ++i) values[i] = matrix(i, j);
  return values;
}

void scale_to_unit_variance(std::vector<double>& values) {
  const double n = double(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double variance = 0;
  for (const double x : values) variance += (x - mean) * (x - mean) / n;
  if (variance > 0)
    for (double& x : values) x /= std::sqrt(variance);
}

void add_noise(std::vector<double>& values, Generator generator) {
  double magnitude = 0;
  for (const double x : values) magnitude += std::abs(x) / double(values.size());
  const double deviation = 1e-10 * std::max(1.0, magnitude);
  for (double& x : values) x += deviation * generator.normal();
}

/// Distance from sorted[i] to its k-th nearest neighbour: the narrowest window of k + 1 values
/// around it.
double neighbor_distance(const std::vector<double>& sorted, int64_t i, int64_t k) {
  const int64_t n = std::ssize(sorted);
  int64_t low = i, high = i;
  for (; k > 0; --k) {
    const bool down =
        high + 1 == n || (low > 0 && sorted[i] - sorted[low - 1] <= sorted[high + 1] - sorted[i]);
    down ? --low : ++high;
  }
  return std::max(sorted[i] - sorted[low], sorted[high] - sorted[i]);
}

double from_neighbors(const std::vector<double>& values, const std::vector<int64_t>& order,
                      const DenseLabels& labels, int64_t neighbors,
                      const std::vector<double>& psi) {
  std::vector<std::vector<double>> by_label(labels.count());
  std::vector<double> all;
  for (const int64_t s : order) {
    const int64_t label = labels.of[s];
    if (labels.sizes[label] == 1) continue;  // It has no neighbour with its label.
    by_label[label].push_back(values[s]);
    all.push_back(values[s]);
  }
  if (all.empty()) return 0;

  double sum = 0;
  for (const auto& members : by_label) {
    const int64_t n = std::ssize(members), k = std::min(neighbors, n - 1);
    for (int64_t i = 0; i < n; ++i) {
      const double x = members[i];
      const double radius = std::nextafter(neighbor_distance(members, i, k), 0.0);
      const auto begin =
          std::partition_point(all.begin(), all.end(), [&](double y) { return x - y > radius; });
      const auto end =
          std::partition_point(begin, all.end(), [&](double y) { return y - x <= radius; });
      sum += psi[k] - psi[n] - psi[end - begin];
    }
  }
  return psi[all.size()] + sum / double(all.size());
}

double from_bins(const std::vector<double>& values, const DenseLabels& labels, int64_t bins) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double width = (*high - *low) / double(bins), n = double(values.size());
  std::vector<int64_t> joint(bins * labels.count()), marginal(bins);
  for (size_t s = 0; s < values.size(); ++s) {
    const int64_t bin = width > 0 ? std::min(int64_t((values[s] - *low) / width), bins - 1) : 0;
    ++joint[bin * labels.count() + labels.of[s]];
    ++marginal[bin];
  }
  return entropy(marginal, n) + entropy(labels.sizes, n) - entropy(joint, n);
}

std::vector<DenseLabels> columns_of(const Tensor& factors, int64_t samples) {
  check<ShapeError>(factors.rank() == 2 && factors.size(0) == samples,
                    "[mutual_information] expected factors of shape [{}, F], got {}", samples,
                    factors.shape().to_string());
  const auto all = factors.host<int64_t>();
  const int64_t f = factors.size(1);
  std::vector<DenseLabels> columns;
  std::vector<int64_t> labels(samples);
  for (int64_t j = 0; j < f; ++j) {
    for (int64_t s = 0; s < samples; ++s) labels[s] = all[s * f + j];
    columns.emplace_back(labels);
  }
  return columns;
}

}  // namespace

Tensor mutual_information(const Tensor& tensor, const Tensor& factors, const Options& options) {
  const Matrix activations(tensor, "mutual_information");
  const int64_t samples = activations.rows(), neurons = activations.cols();
  const std::vector<DenseLabels> labels = columns_of(factors, samples);
  check(options.neighbors >= 1 && options.bins >= 1,
        "[mutual_information] expected at least 1 neighbour and 1 bin, got {} and {}",
        options.neighbors, options.bins);

  const std::vector<double> psi = digamma_table(samples);
  const bool use_neighbors = options.estimator == Options::Estimator::neighbors;
  Tensor result = Tensor::empty({neurons, std::ssize(labels)}, {.dtype = DType::float64});
  double* information = result.host<double>().data();
  parallel_for(neurons, 1, [&](int64_t begin, int64_t end) {
    const FlushSubnormals flush;
    for (int64_t i = begin; i < end; ++i) {
      std::vector<double> values = column(activations, i);
      scale_to_unit_variance(values);
      std::vector<int64_t> order(samples);
      if (use_neighbors) {
        add_noise(values, Generator(options.seed).split(uint64_t(i)));
        std::iota(order.begin(), order.end(), 0);
        std::sort(order.begin(), order.end(),
                  [&](int64_t a, int64_t b) { return values[a] < values[b]; });
      }
      for (size_t f = 0; f < labels.size(); ++f) {
        const double estimate =
            use_neighbors ? from_neighbors(values, order, labels[f], options.neighbors, psi)
                          : from_bins(values, labels[f], options.bins);
        information[i * int64_t(labels.size()) + int64_t(f)] = std::max(0.0, estimate);
      }
    }
  });
  return result;
}

Tensor class_factors(std::span<const int64_t> labels, int64_t classes) {
  check_labels(labels, classes, "class_factors");
  std::vector<int64_t> factors(checked_multiply(std::ssize(labels), classes, "class_factors"));
  for (int64_t s = 0; s < std::ssize(labels); ++s) factors[s * classes + labels[s]] = 1;
  return Tensor::from(factors, {std::ssize(labels), classes});
}

InformationRatio information_ratio(const Tensor& tensor, const Tensor& factors,
                                   const Options& options) {
  const Tensor information = mutual_information(tensor, factors, options);
  const Matrix activations(tensor, "information_ratio");
  const int64_t neurons = activations.cols(), count = factors.size(1);
  check(count >= 2, "[information_ratio] expected at least 2 factors, got {}", count);

  std::vector<double> entropies;
  for (const DenseLabels& labels : columns_of(factors, activations.rows())) {
    check(labels.count() >= 2,
          "[information_ratio] expected factors with at least 2 labels, got "
          "one with {}",
          labels.count());
    entropies.push_back(entropy(labels.sizes, double(activations.rows())));
  }

  std::vector<double> ranges(neurons);
  for (int64_t i = 0; i < neurons; ++i) {
    const std::vector<double> values = column(activations, i);
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    ranges[i] = *high - *low;
  }
  const double active_above = *std::max_element(ranges.begin(), ranges.end()) / 20;

  InformationRatio result{.share = std::vector<double>(neurons), .active = {}};
  const auto all = information.host<double>();
  double sum = 0;
  int64_t active = 0;
  for (int64_t i = 0; i < neurons; ++i) {
    result.active.push_back(ranges[i] > active_above);
    if (!result.active[i]) continue;
    double largest = 0, total = 0;
    for (int64_t f = 0; f < count; ++f) {
      const double part = all[i * count + f] / entropies[f];
      largest = std::max(largest, part);
      total += part;
    }
    result.share[i] = total > 0 ? largest / total : 1 / double(count);
    sum += result.share[i];
    ++active;
  }
  const double least = 1 / double(count);
  if (active > 0) result.ratio = (sum / double(active) - least) / (1 - least);
  return result;
}

}  // namespace hebb
