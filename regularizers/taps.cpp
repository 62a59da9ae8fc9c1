#include "regularizers/taps.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"

namespace hebb {
namespace {

bool matches(const std::string& pattern, const DenseTap& tap) {
  return ::fnmatch(pattern.c_str(), tap.name->c_str(), 0) == 0;
}

}  // namespace

const Choices<PenaltyScope>& known_scopes() {
  static const Choices<PenaltyScope> scopes(
      "scope", {{"weights", PenaltyScope::dense_weights},
                {"weights-and-biases", PenaltyScope::dense_weights_and_biases},
                {"all", PenaltyScope::all_parameters}});
  return scopes;
}

bool matches_any(std::span<const std::string> patterns, const DenseTap& tap) {
  return std::ranges::any_of(patterns,
                             [&](const std::string& pattern) { return matches(pattern, tap); });
}

void check_layers(const char* where, std::span<const std::string> patterns,
                  std::span<const DenseTap> taps) {
  for (const std::string& pattern : patterns) {
    if (std::ranges::any_of(taps, [&](const DenseTap& tap) { return matches(pattern, tap); }))
      continue;
    std::vector<std::string_view> names;
    for (const DenseTap& tap : taps) names.push_back(*tap.name);
    fail("[{}] expected dense layers among {}, got \"{}\"", where, fmt::join(names, ", "), pattern);
  }
}

bool seen_before(std::span<const DenseTap> taps, size_t i) {
  return std::ranges::any_of(taps.first(i), [&](const DenseTap& earlier) {
    return earlier.weight.body() == taps[i].weight.body();
  });
}

void add_term(Tensor& total, const Tensor& term) { total = total.defined() ? total + term : term; }

std::vector<int> own_axes(const Tensor& x, int64_t replicas) {
  std::vector<int> axes;
  for (int axis = 1; replicas > 0 && axis < x.rank(); ++axis) axes.push_back(axis);
  return axes;
}

Tensor sum_over(PenaltyScope scope, std::span<const DenseTap> taps,
                std::span<const NamedTensor> parameters,
                Tensor (*norm)(const Tensor&, std::span<const int> axes)) {
  Tensor total;
  const int64_t replicas = taps.empty() ? 0 : taps[0].replicas;
  const auto add = [&](const Tensor& x) { add_term(total, norm(x, own_axes(x, replicas))); };
  if (scope == PenaltyScope::all_parameters) {
    for (const NamedTensor& parameter : parameters) add(parameter.tensor);
    return total;
  }
  for (size_t i = 0; i < taps.size(); ++i) {
    if (seen_before(taps, i)) continue;
    add(taps[i].weight);
    if (scope == PenaltyScope::dense_weights_and_biases && taps[i].bias.defined())
      add(taps[i].bias);
  }
  return total;
}

Tensor times(const Tensor& sum, double strength, const Tensor& strengths) {
  if (!strengths.defined()) return sum * strength;
  check<ShapeError>(sum.shape() == strengths.shape(),
                    "[regularizer] expected strengths of as many replicas as the network has, {}, "
                    "got {}",
                    sum.shape(), strengths.shape());
  return sum * strengths.to(sum.dtype());
}

std::string strength_text(double strength, const Tensor& strengths) {
  return strengths.defined() ? fmt::format("{}", fmt::join(strengths.to_vector<double>(), "+"))
                             : fmt::format("{}", strength);
}

void check_strengths(const char* where, const char* what, const Tensor& strengths) {
  if (!strengths.defined()) return;
  check(strengths.dtype() == DType::float64 && strengths.rank() == 1 && strengths.numel() > 0,
        "[{}] expected {} of shape [R] and float64, got {}", where, what, strengths);
  for (const double value : strengths.to_vector<double>()) check_strength(where, what, value);
}

void check_strength(const char* where, const char* what, double value) {
  check(std::isfinite(value) && value >= 0, "[{}] expected finite {} of at least 0, got {}", where,
        what, value);
}

void check_scope(const char* where, PenaltyScope scope, std::span<const NamedTensor> parameters) {
  check(scope != PenaltyScope::all_parameters || !parameters.empty(),
        "[{}] expected parameters for the scope of all parameters, got none", where);
}

}  // namespace hebb
