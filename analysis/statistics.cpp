#include "analysis/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "core/check.hpp"

namespace hebb {
namespace {

// The regularized incomplete beta function I_x(a, b) by Lentz's continued fraction.
double incomplete_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - incomplete_beta(1 - x, b, a);
  constexpr double tiny = 1e-300;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x)) /
                       a;
  double c = 1, d = 0, fraction = 1;
  for (int i = 0; i < 500; ++i) {
    const double m = i / 2;  // NOLINT(bugprone-integer-division)
    const double numerator = i == 0 ? 1
                             : i % 2 == 0
                                 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                                 : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 + numerator * d;
    d = 1 / (std::abs(d) < tiny ? tiny : d);
    c = 1 + numerator / c;
    c = std::abs(c) < tiny ? tiny : c;
    fraction *= c * d;
    if (i > 0 && std::abs(1 - c * d) < 1e-15) break;
  }
  return front * (fraction - 1);
}

double student_t_cdf(double t, double degrees) {
  const double tail = incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

}  // namespace

double student_t_quantile(double p, int64_t degrees) {
  check(p > 0 && p < 1, "[student_t] expected a probability between 0 and 1, got {}", p);
  check(degrees >= 1, "[student_t] expected at least 1 degree of freedom, got {}", degrees);
  if (p < 0.5) return -student_t_quantile(1 - p, degrees);
  double low = 0, high = 1;
  while (student_t_cdf(high, double(degrees)) < p) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (student_t_cdf(middle, double(degrees)) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

MeanSummary summarize(std::span<const double> values) {
  check(!values.empty(), "[summarize] expected at least 1 value");
  MeanSummary summary{.count = int64_t(values.size())};
  const auto n = double(values.size());
  summary.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  if (values.size() < 2) return summary;
  double squares = 0;
  for (const double value : values) squares += (value - summary.mean) * (value - summary.mean);
  summary.deviation = std::sqrt(squares / (n - 1));
  summary.error = summary.deviation / std::sqrt(n);
  summary.margin = summary.error * student_t_quantile(0.975, summary.count - 1);
  return summary;
}

double signed_rank_test(std::span<const double> differences) {
  std::vector<double> sizes;
  for (const double d : differences)
    if (d != 0) sizes.push_back(d);
  if (sizes.empty()) return 1;
  std::sort(sizes.begin(), sizes.end(),
            [](double a, double b) { return std::abs(a) < std::abs(b); });

  // Twice the rank is an integer even where ranks are shared.
  std::vector<int64_t> ranks(sizes.size());
  int64_t positive = 0, total = 0;
  for (size_t i = 0; i < sizes.size();) {
    size_t end = i;
    while (end < sizes.size() && std::abs(sizes[end]) == std::abs(sizes[i])) ++end;
    for (size_t j = i; j < end; ++j) {
      ranks[j] = int64_t(i + 1 + end);
      total += ranks[j];
      if (sizes[j] > 0) positive += ranks[j];
    }
    i = end;
  }
  // chances[s]: the share of sign patterns whose positive ranks sum to s.
  std::vector<double> chances(size_t(total) + 1);
  chances[0] = 1;
  int64_t reach = 0;
  for (const int64_t rank : ranks) {
    reach += rank;
    for (int64_t s = reach; s >= 0; --s)
      chances[s] = (chances[s] + (s >= rank ? chances[s - rank] : 0)) / 2;
  }
  const int64_t smaller = std::min(positive, total - positive);
  double tail = 0;
  for (int64_t s = 0; s <= smaller; ++s) tail += chances[s];
  return std::min(1.0, 2 * tail);
}

std::vector<double> holm_correction(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> corrected(p_values.size());
  double highest = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    highest = std::max(highest, std::min(1.0, double(order.size() - i) * p_values[order[i]]));
    corrected[order[i]] = highest;
  }
  return corrected;
}

}  // namespace hebb
