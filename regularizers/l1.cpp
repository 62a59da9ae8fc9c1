#include "regularizers/l1.hpp"

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "regularizers/taps.hpp"

namespace hebb {

L1::L1(L1Options options, std::vector<NamedTensor> parameters)
    : options_(std::move(options)), parameters_(std::move(parameters)) {
  check_strength("l1", "lambda", options_.lambda);
  check_strengths("l1", "lambdas", options_.lambdas);
  check_scope("l1", options_.scope, parameters_);
}

std::string L1::name() const {
  std::string name = fmt::format("l1:lambda={}", strength_text(options_.lambda, options_.lambdas));
  if (options_.scope != PenaltyScope::dense_weights)
    name += fmt::format(",scope={}", known_scopes().name_of(options_.scope));
  return name;
}

Tensor L1::penalty(std::span<const DenseTap> taps) const {
  if (options_.lambda == 0 && !options_.lambdas.defined()) return {};
  const Tensor total = sum_over(options_.scope, taps, parameters_, sum_abs);
  return total.defined() ? times(total, options_.lambda, options_.lambdas) : total;
}

}  // namespace hebb
