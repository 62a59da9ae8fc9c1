#include "layers/init.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/ops/fill.hpp"
#include "core/spec.hpp"

namespace hebb {
namespace {

struct Name {
  std::string_view text;
  Initializer::Kind kind;
};
constexpr Name names[] = {{"pytorch", Initializer::Kind::pytorch},
                          {"he", Initializer::Kind::he},
                          {"xavier", Initializer::Kind::xavier},
                          {"truncated-normal", Initializer::Kind::truncated_normal}};

constexpr double truncated_stddev = 0.1, truncated_limit = 2;

}  // namespace

Initializer Initializer::parse(std::string_view text) {
  Spec spec = Spec::parse(text);
  const auto name = std::ranges::find(names, spec.name, &Name::text);
  check(name != std::end(names),
        "[init] expected pytorch, he, xavier or truncated-normal, got \"{}\"", spec.name);
  const Initializer initializer{name->kind, spec.number("scale", 1, {.above = 0})};
  spec.done();
  return initializer;
}

std::string Initializer::to_string() const {
  const auto name = std::ranges::find(names, kind, &Name::kind);
  return scale == 1 ? std::string(name->text) : fmt::format("{}:scale={}", name->text, scale);
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
