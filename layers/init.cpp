#include "layers/init.hpp"

#include <cmath>

#include "core/check.hpp"
#include "core/ops/fill.hpp"
#include "core/spec.hpp"

namespace hebb {
namespace {

constexpr double truncated_stddev = 0.1, truncated_limit = 2;

}  // namespace

const Choices<Initializer::Kind>& Initializer::kinds() {
  static constexpr const char* settings = "scale=1,residual=1";
  static const Choices<Kind> kinds("init",
                                   {{"pytorch", Kind::pytorch, settings},
                                    {"he", Kind::he, settings},
                                    {"he-fan-out", Kind::he_fan_out, settings},
                                    {"xavier", Kind::xavier, settings},
                                    {"truncated-normal", Kind::truncated_normal, settings}});
  return kinds;
}

Initializer Initializer::parse(std::string_view text) {
  Spec spec = Spec::parse(text);
  const Initializer initializer{.kind = kinds().at(spec.name),
                                .scale = spec.number("scale", 1, {.above = 0}),
                                .residual = spec.number("residual", 1, {.at_least = 0})};
  spec.done();
  return initializer;
}

std::string Initializer::to_string() const {
  std::string text(kinds().name_of(kind));
  if (scale != 1) text += fmt::format(":scale={}", scale);
  if (residual != 1) text += fmt::format("{}residual={}", scale == 1 ? ':' : ',', residual);
  return text;
}

void Initializer::operator()(const Tensor& weight, const Tensor& bias, Generator& generator) const {
  check<ShapeError>(weight.rank() >= 2, "[init] expected a weight of at least two axes, got {}",
                    weight.shape());
  const auto fan_in = double(weight.shape().product(1, weight.rank()));
  const double fan_out = double(weight.size(0)) * fan_in / double(weight.size(1));
  const auto fill_within = [&](const Tensor& x, double bound) {
    fill_uniform(x, -bound, bound, generator);
  };
  switch (kind) {
    case Kind::pytorch:
      fill_within(weight, scale / std::sqrt(fan_in));
      if (bias.defined()) fill_within(bias, scale / std::sqrt(fan_in));
      return;
    case Kind::he:
      fill_normal(weight, 0, scale * std::sqrt(2 / fan_in), generator);
      break;
    case Kind::he_fan_out:
      fill_normal(weight, 0, scale * std::sqrt(2 / fan_out), generator);
      break;
    case Kind::xavier:
      fill_within(weight, scale * std::sqrt(6 / (fan_in + fan_out)));
      break;
    case Kind::truncated_normal:
      fill_truncated_normal(weight, scale * truncated_stddev, truncated_limit, generator);
      break;
  }
  if (bias.defined()) bias.fill(0);
}

}  // namespace hebb
