#include "regularizers/parse.hpp"

#include "regularizers/bean.hpp"
#include "regularizers/energy.hpp"
#include "regularizers/l1.hpp"
#include "regularizers/weight_decay.hpp"

namespace hebb {
namespace {

constexpr Range not_negative = {.at_least = 0};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  for (;;) {
    const size_t plus = text.find('+');
    parts.emplace_back(text.substr(0, plus));
    if (plus == text.npos) return parts;
    text.remove_prefix(plus + 1);
  }
}

std::unique_ptr<Regularizer> read_bean(Spec& spec, const std::vector<NamedTensor>&) {
  BeanOptions o;
  o.order = int(spec.integer("order", o.order, {.at_least = 1, .at_most = 2}));
  o.alpha = spec.number("alpha", o.alpha, not_negative);
  o.gamma = spec.number("gamma", o.gamma, {.above = 0});
  o.divergence = spec.choice("divergence", o.divergence, known_divergences());
  const char* key = spec.has("normalization") ? "normalization" : "normalisation";
  o.normalization = spec.choice(key, o.normalization, known_normalizations());
  if (spec.has("layers")) o.layers = split(spec.text("layers", ""));
  return std::make_unique<Bean>(std::move(o));
}

template <class Norm, class Options>
std::unique_ptr<Regularizer> read_norm(Spec& spec, const std::vector<NamedTensor>& parameters) {
  Options o;
  o.lambda = spec.number("lambda", o.lambda, not_negative);
  o.scope = spec.choice("scope", o.scope, known_scopes());
  return std::make_unique<Norm>(o, parameters);
}

std::unique_ptr<Regularizer> read_energy(Spec& spec, const std::vector<NamedTensor>&) {
  return std::make_unique<Energy>(
      EnergyOptions{.activity = spec.number("activity", 0, not_negative),
                    .weight = spec.number("weight", 0, not_negative),
                    .nonnegativity = spec.number("nonnegativity", 0, not_negative)});
}

}  // namespace

const Choices<MakeRegularizer>& known_regularizers() {
  static const Choices<MakeRegularizer> regularizers(
      "regularizer",
      {{"bean", read_bean,
        "order=1|2,alpha=1,gamma=1,divergence=squared|absolute,"
        "normalisation=paper|published-code,layers=fc1+fc2"},
       {"l1", read_norm<L1, L1Options>, "lambda=1e-4,scope=weights|weights-and-biases|all"},
       {"l2", read_norm<WeightDecay, WeightDecayOptions>,
        "lambda=1e-4,scope=weights|weights-and-biases|all"},
       {"energy", read_energy, "activity=0,weight=0,nonnegativity=0"}});
  return regularizers;
}

std::unique_ptr<Regularizer> make_regularizer(std::string_view text,
                                              std::span<const NamedTensor> parameters) {
  Spec spec = Spec::parse(text);
  const MakeRegularizer make = known_regularizers().at(spec.name);
  std::unique_ptr<Regularizer> regularizer = make(spec, {parameters.begin(), parameters.end()});
  spec.done();
  return regularizer;
}

Regularizers make_regularizers(const std::vector<std::string>& texts,
                               std::span<const NamedTensor> parameters) {
  Regularizers regularizers;
  for (const std::string& text : texts) regularizers.push_back(make_regularizer(text, parameters));
  return regularizers;
}

}  // namespace hebb
