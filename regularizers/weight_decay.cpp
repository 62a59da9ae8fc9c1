#include "regularizers/weight_decay.hpp"

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "regularizers/taps.hpp"

namespace hebb {

WeightDecay::WeightDecay(WeightDecayOptions options, std::vector<NamedTensor> parameters)
    : options_(std::move(options)), parameters_(std::move(parameters)) {
  check_strength("l2", "lambda", options_.lambda);
  check_strengths("l2", "lambdas", options_.lambdas);
  check_scope("l2", options_.scope, parameters_);
}

std::string WeightDecay::name() const {
  std::string name = fmt::format("l2:lambda={}", strength_text(options_.lambda, options_.lambdas));
  if (options_.scope != PenaltyScope::dense_weights)
    name += fmt::format(",scope={}", known_scopes().name_of(options_.scope));
  return name;
}

Tensor WeightDecay::penalty(std::span<const DenseTap> taps) const {
  if (options_.lambda == 0 && !options_.lambdas.defined()) return {};
  const Tensor total = sum_over(options_.scope, taps, parameters_, sum_square);
  return total.defined() ? times(total, options_.lambda, options_.lambdas) : total;
}

}  // namespace hebb
