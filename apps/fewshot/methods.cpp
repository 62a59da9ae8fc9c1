#include "apps/fewshot/methods.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "regularizers/bean.hpp"
#include "regularizers/l1.hpp"

namespace hebb::apps {
namespace {

constexpr double tuned_too = NAN;

}  // namespace

std::span<const Method> methods() {
  static const std::vector<Method> all = {
      {"vanilla", "lr", 5e-4, 5e-4, {1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3}},
      {"dropout", "p", 0.5, 0.5, {0.2, 0.3, 0.4, 0.5, 0.6, 0.7}},
      {"weight-decay", "lambda", 1e-4, tuned_too, {1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2}},
      {"l1", "lambda", 1e-4, tuned_too, {1e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3}},
      {"imitation", "lr", 1e-3, tuned_too, {2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 2e-2}},
      {"bean-1", "alpha", 100, tuned_too, {10, 30, 100, 300, 1e3, 3e3}},
      {"bean-2", "alpha", 1e5, tuned_too, {1e4, 3e4, 1e5, 3e5, 1e6, 3e6}},
      {"gaussian-process", "", 0, 0, {}},
  };
  return all;
}

Method Method::under(Normalisation normalisation) const {
  Method method = *this;
  if (!is_bean() || normalisation == Normalisation::paper) return method;
  if (name == "bean-1") {
    method.fallback = 10;
    method.grid = {0.3, 1, 3, 10, 30, 100};
  } else {
    method.fallback = 100;
    method.grid = {3, 10, 30, 100, 300, 1000};
  }
  return method;
}

const Method& method_named(std::string_view name) {
  const auto found = std::ranges::find(methods(), name, &Method::name);
  if (found != methods().end()) return *found;
  std::vector<std::string_view> names;
  for (const Method& method : methods()) names.push_back(method.name);
  throw ValueError(
      fmt::format("expected methods among {}, got \"{}\"", fmt::join(names, ", "), name));
}

std::unique_ptr<Regularizer> make_regularizer(const Method& method, double value,
                                              Normalisation normalisation) {
  if (method.is_bean())
    return std::make_unique<Bean>(BeanOptions{
        .order = method.name == "bean-1" ? 1 : 2, .alpha = value, .normalisation = normalisation});
  if (method.name == "l1")
    return std::make_unique<L1>(
        L1Options{.lambda = value, .scope = PenaltyScope::dense_weights_and_biases});
  return nullptr;
}

}  // namespace hebb::apps
