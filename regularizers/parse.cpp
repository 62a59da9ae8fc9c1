#include "regularizers/parse.hpp"

#include "core/check.hpp"
#include "core/spec.hpp"
#include "regularizers/bean.hpp"
#include "regularizers/energy.hpp"
#include "regularizers/l1.hpp"
#include "regularizers/weight_decay.hpp"

namespace hebb {
namespace {

constexpr std::string_view names[] = {"bean", "l1", "l2", "energy"};
constexpr Range not_negative = {.at_least = 0};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t plus = text.find('+');
    parts.emplace_back(text.substr(0, plus));
    text.remove_prefix(plus == text.npos ? text.size() : plus + 1);
  }
  return parts;
}

BeanOptions read_bean(Spec& spec) {
  BeanOptions o;
  o.order = int(spec.integer("order", o.order, {.at_least = 1, .at_most = 2}));
  o.alpha = spec.number("alpha", o.alpha, not_negative);
  o.gamma = spec.number("gamma", o.gamma, {.above = 0});
  if (spec.text("divergence", "squared", {"squared", "absolute"}) == "absolute")
    o.divergence = Divergence::absolute;
  if (spec.text("normalisation", "paper", {"paper", "published-code"}) == "published-code")
    o.normalisation = Normalisation::published_code;
  o.layers = split(spec.text("layers", ""));
  return o;
}

template <class Options>
Options read_norm(Spec& spec) {
  Options o;
  o.lambda = spec.number("lambda", o.lambda, not_negative);
  const std::string scope = spec.text("scope", "weights", {"weights", "weights-and-biases", "all"});
  for (const PenaltyScope candidate :
       {PenaltyScope::dense_weights, PenaltyScope::dense_weights_and_biases,
        PenaltyScope::all_parameters})
    if (scope == name_of(candidate)) o.scope = candidate;
  return o;
}

EnergyOptions read_energy(Spec& spec) {
  return {.activity = spec.number("activity", 0, not_negative),
          .weight = spec.number("weight", 0, not_negative),
          .nonnegativity = spec.number("nonnegativity", 0, not_negative)};
}

std::unique_ptr<Regularizer> read(Spec& spec, std::vector<NamedTensor> parameters) {
  if (spec.name == "bean") return std::make_unique<Bean>(read_bean(spec));
  if (spec.name == "l1")
    return std::make_unique<L1>(read_norm<L1Options>(spec), std::move(parameters));
  if (spec.name == "l2")
    return std::make_unique<WeightDecay>(read_norm<WeightDecayOptions>(spec),
                                         std::move(parameters));
  if (spec.name == "energy") return std::make_unique<Energy>(read_energy(spec));
  fail("[regularizer] expected one of {}, got \"{}\"", fmt::join(names, ", "), spec.name);
}

}  // namespace

std::unique_ptr<Regularizer> make_regularizer(std::string_view text,
                                              std::span<const NamedTensor> parameters) {
  Spec spec = Spec::parse(text);
  std::unique_ptr<Regularizer> regularizer = read(spec, {parameters.begin(), parameters.end()});
  spec.done();
  return regularizer;
}

Regularizers make_regularizers(const std::vector<std::string>& texts,
                               std::span<const NamedTensor> parameters) {
  Regularizers regularizers;
  for (const std::string& text : texts) regularizers.push_back(make_regularizer(text, parameters));
  return regularizers;
}

std::span<const std::string_view> regularizer_names() { return names; }

}  // namespace hebb
