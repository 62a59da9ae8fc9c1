#include "regularizers/bean.hpp"

#include <cmath>

#include "core/check.hpp"
#include "core/ops/bean.hpp"
#include "regularizers/taps.hpp"

namespace hebb {

const Choices<Divergence>& known_divergences() {
  static const Choices<Divergence> divergences(
      "divergence", {{"squared", Divergence::squared}, {"absolute", Divergence::absolute}});
  return divergences;
}

const Choices<Normalization>& known_normalizations() {
  static const Choices<Normalization> normalizations(
      "normalisation",
      {{"paper", Normalization::paper}, {"published-code", Normalization::published_code}});
  return normalizations;
}

Bean::Bean(BeanOptions options) : options_(std::move(options)) {
  check(options_.order == 1 || options_.order == 2, "[bean] expected order 1 or 2, got {}",
        options_.order);
  check_strength("bean", "alpha", options_.alpha);
  check_strengths("bean", "alphas", options_.alphas);
  check(std::isfinite(options_.gamma) && options_.gamma > 0,
        "[bean] expected finite gamma over 0, got {}", options_.gamma);
  for (const std::string& layer : options_.layers)
    check(!layer.empty() && layer.find_first_of("+,") == layer.npos,
          "[bean] expected names of layers without \"+\" and \",\", got \"{}\"", layer);
}

std::string Bean::name() const {
  std::string name = fmt::format("bean:order={},alpha={}", options_.order,
                                 strength_text(options_.alpha, options_.alphas));
  if (options_.gamma != 1) name += fmt::format(",gamma={}", options_.gamma);
  if (options_.divergence != BeanOptions().divergence)
    name += fmt::format(",divergence={}", known_divergences().name_of(options_.divergence));
  if (options_.normalization != BeanOptions().normalization)
    name +=
        fmt::format(",normalisation={}", known_normalizations().name_of(options_.normalization));
  if (!options_.layers.empty()) name += fmt::format(",layers={}", fmt::join(options_.layers, "+"));
  return name;
}

Tensor Bean::penalty(std::span<const DenseTap> taps) const {
  check_layers("bean", options_.layers, taps);
  Tensor total;
  if (options_.alpha == 0 && !options_.alphas.defined()) return total;
  for (const DenseTap& tap : taps) {
    if (options_.layers.empty() ? tap.raw_input : !matches_any(options_.layers, tap)) continue;
    BeanKernel kernel{.order = options_.order,
                      .divergence = options_.divergence,
                      .gamma = options_.gamma,
                      .scale = options_.alpha};
    if (options_.normalization == Normalization::paper)
      kernel.divisor = std::pow(double(tap.weight.size(-2)), options_.order);
    add_term(total, bean_penalty(tap.input, tap.weight, kernel, options_.alphas));
  }
  return total;
}

}  // namespace hebb
