#include "optim/make_optimizer.hpp"

#include "optim/adam.hpp"
#include "optim/muon.hpp"
#include "optim/sgd.hpp"

namespace hebb {
namespace {

using Groups = std::vector<ParameterGroup>;

constexpr Range share = {.at_least = 0, .below = 1};
constexpr Range nonnegative = {.at_least = 0};

// What weight decay is for.
enum class DecayOn { all, weights };

const Choices<DecayOn>& decay_kinds() {
  static const Choices<DecayOn> kinds("decay-on",
                                      {{"all", DecayOn::all}, {"weights", DecayOn::weights}});
  return kinds;
}

// The vectors among the parameters, which are biases and what normalisations scale and shift by,
// keep their size; the caller's own groups come first.
Groups without_decay_of_vectors(Groups groups, const std::vector<NamedTensor>& parameters) {
  for (const auto& [name, tensor] : parameters)
    if (tensor.rank() <= 1) groups.push_back({.pattern = name, .weight_decay_scale = 0});
  return groups;
}

std::unique_ptr<Optimizer> read_sgd(Spec& spec, std::vector<NamedTensor> parameters, double lr,
                                    const Groups& groups) {
  const SgdOptions options{.lr = lr,
                           .momentum = spec.number("momentum", 0, share),
                           .dampening = spec.number("dampening", 0, {.at_least = 0, .at_most = 1}),
                           .weight_decay = spec.number("weight-decay", 0, nonnegative),
                           .nesterov = spec.flag("nesterov", false)};
  spec.done();
  return std::make_unique<Sgd>(std::move(parameters), options, groups);
}

// What Adam, AdamW and NAdam have in common.
template <class Options>
Options read_betas(Spec& spec, double lr, Options o) {
  o.lr = lr;
  o.beta1 = spec.number("beta1", o.beta1, share);
  o.beta2 = spec.number("beta2", o.beta2, share);
  o.epsilon = spec.number("epsilon", o.epsilon, nonnegative);
  o.weight_decay = spec.number("weight-decay", o.weight_decay, nonnegative);
  return o;
}

template <bool decoupled>
std::unique_ptr<Optimizer> read_adam(Spec& spec, std::vector<NamedTensor> parameters, double lr,
                                     const Groups& groups) {
  const AdamOptions options = read_betas(
      spec, lr, AdamOptions{.weight_decay = decoupled ? 1e-2 : 0, .decoupled = decoupled});
  spec.done();
  return std::make_unique<Adam>(std::move(parameters), options, groups);
}

std::unique_ptr<Optimizer> read_nadam(Spec& spec, std::vector<NamedTensor> parameters, double lr,
                                      const Groups& groups) {
  NadamOptions options = read_betas(spec, lr, NadamOptions());
  options.momentum_decay = spec.number("momentum-decay", options.momentum_decay, nonnegative);
  options.decoupled = spec.flag("decoupled", false);
  spec.done();
  return std::make_unique<Nadam>(std::move(parameters), options, groups);
}

std::unique_ptr<Optimizer> read_muon(Spec& spec, std::vector<NamedTensor> parameters, double lr,
                                     const Groups& groups) {
  MuonOptions options{.lr = lr};
  options.momentum = spec.number("momentum", options.momentum, share);
  options.nesterov = spec.flag("nesterov", options.nesterov);
  options.weight_decay = spec.number("weight-decay", options.weight_decay, nonnegative);
  options.newton_schulz_steps = int(spec.integer("newton-schulz-steps", options.newton_schulz_steps,
                                                 {.at_least = 1, .at_most = 100}));
  options.sgd_lr_scale = spec.number("sgd-lr-scale", options.sgd_lr_scale, nonnegative);
  spec.done();
  return std::make_unique<Muon>(std::move(parameters), options, groups);
}

}  // namespace

const Choices<MakeOptimizer>& known_optimizers() {
  static const Choices<MakeOptimizer> optimizers(
      "optimizer",
      {{"adam", read_adam<false>, "beta1=0.9,beta2=0.999,epsilon=1e-8,weight-decay=0"},
       {"adamw", read_adam<true>, "beta1=0.9,beta2=0.999,epsilon=1e-8,weight-decay=0.01"},
       {"muon", read_muon,
        "momentum=0.95,nesterov=true|false,weight-decay=0,newton-schulz-steps=5,sgd-lr-scale=1"},
       {"nadam", read_nadam,
        "beta1=0.9,beta2=0.999,epsilon=1e-8,weight-decay=0,decoupled=false|true,"
        "momentum-decay=0.004"},
       {"sgd", read_sgd, "momentum=0,dampening=0,weight-decay=0,nesterov=false|true"}});
  return optimizers;
}

std::unique_ptr<Optimizer> make_optimizer(std::string_view text,
                                          std::vector<NamedTensor> parameters, double lr,
                                          const std::vector<ParameterGroup>& groups) {
  Spec spec = Spec::parse(text);
  const MakeOptimizer make = known_optimizers().at(spec.name);
  const bool all = spec.choice("decay-on", DecayOn::all, decay_kinds()) == DecayOn::all;
  const Groups own = all ? groups : without_decay_of_vectors(groups, parameters);
  return make(spec, std::move(parameters), lr, own);
}

}  // namespace hebb
