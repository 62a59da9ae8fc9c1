#include "optim/make_optimizer.hpp"

#include "core/check.hpp"
#include "core/spec.hpp"
#include "optim/adam.hpp"
#include "optim/sgd.hpp"

namespace hebb {
namespace {

constexpr std::string_view names[] = {"adam", "adamw", "nadam", "sgd"};
constexpr Range share = {.at_least = 0, .below = 1};
constexpr Range not_negative = {.at_least = 0};

SgdOptions read_sgd(Spec& spec, double lr) {
  return {.lr = lr,
          .momentum = spec.number("momentum", 0, share),
          .dampening = spec.number("dampening", 0, {.at_least = 0, .at_most = 1}),
          .weight_decay = spec.number("weight-decay", 0, not_negative),
          .nesterov = spec.flag("nesterov", false)};
}

// What Adam, AdamW and NAdam have in common.
template <class Options>
Options read_adam(Spec& spec, double lr, Options o) {
  o.lr = lr;
  o.beta1 = spec.number("beta1", o.beta1, share);
  o.beta2 = spec.number("beta2", o.beta2, share);
  o.epsilon = spec.number("epsilon", o.epsilon, not_negative);
  o.weight_decay = spec.number("weight-decay", o.weight_decay, not_negative);
  return o;
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(std::string_view text,
                                          std::vector<NamedTensor> parameters, double lr,
                                          const std::vector<ParameterGroup>& groups) {
  Spec spec = Spec::parse(text);
  if (spec.name == "sgd") {
    const SgdOptions options = read_sgd(spec, lr);
    spec.done();
    return std::make_unique<Sgd>(std::move(parameters), options, groups);
  }
  if (spec.name == "nadam") {
    NadamOptions options = read_adam(spec, lr, NadamOptions());
    options.momentum_decay = spec.number("momentum-decay", options.momentum_decay, not_negative);
    options.decoupled = spec.flag("decoupled", false);
    spec.done();
    return std::make_unique<Nadam>(std::move(parameters), options, groups);
  }
  AdamOptions options;
  if (spec.name == "adamw")
    options = {.weight_decay = 1e-2, .decoupled = true};
  else
    check(spec.name == "adam", "[optimizer] expected one of {}, got \"{}\"", fmt::join(names, ", "),
          spec.name);
  options = read_adam(spec, lr, options);
  spec.done();
  return std::make_unique<Adam>(std::move(parameters), options, groups);
}

std::span<const std::string_view> optimizer_names() { return names; }

}  // namespace hebb
