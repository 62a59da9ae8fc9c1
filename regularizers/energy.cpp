#include "regularizers/energy.hpp"

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "regularizers/taps.hpp"

namespace hebb {

Energy::Energy(EnergyOptions options) : options_(options) {
  check_strength("energy", "activity", options_.activity);
  check_strength("energy", "weight", options_.weight);
  check_strength("energy", "nonnegativity", options_.nonnegativity);
}

std::string Energy::name() const {
  return fmt::format("energy:activity={},weight={},nonnegativity={}", options_.activity,
                     options_.weight, options_.nonnegativity);
}

Tensor Energy::penalty(std::span<const DenseTap> taps) const {
  Tensor total;
  for (size_t i = 0; i < taps.size(); ++i) {
    const DenseTap& tap = taps[i];
    if (options_.weight > 0 && !seen_before(taps, i))
      add_term(total, sum_square(tap.weight, own_axes(tap.weight, tap.replicas)) * options_.weight);
    if (tap.raw_input) continue;
    const double samples = double(tap.input.size(-2));
    const std::vector<int> axes = own_axes(tap.input, tap.replicas);
    if (options_.activity > 0)
      add_term(total, sum_square(tap.input, axes) * (options_.activity / samples));
    if (options_.nonnegativity > 0)
      add_term(total, sum(relu(-tap.input), axes) * (options_.nonnegativity / samples));
  }
  return total;
}

}  // namespace hebb
