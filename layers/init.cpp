#include "layers/init.hpp"

#include <algorithm>
#include <cmath>

#include "core/backend.hpp"
#include "core/check.hpp"
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

void fill_uniform(const Tensor& x, double bound, Generator& generator) {
  backend_of(x)->uniform(x, -bound, bound, generator.reserve(x.numel()));
}

// Normal numbers come from pairs of words.
void fill_normal(const Tensor& x, double stddev, Generator& generator) {
  backend_of(x)->normal(x, 0, stddev, generator.reserve((x.numel() + 1) / 2 * 2));
}

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
  switch (kind) {
    case Kind::pytorch:
      fill_uniform(weight, scale / std::sqrt(fan_in), generator);
      if (bias.defined()) fill_uniform(bias, scale / std::sqrt(fan_in), generator);
      return;
    case Kind::he:
      fill_normal(weight, scale * std::sqrt(2 / fan_in), generator);
      break;
    case Kind::xavier:
      fill_uniform(weight, scale * std::sqrt(6 / (fan_in + fan_out)), generator);
      break;
    case Kind::truncated_normal:
      backend_of(weight)->truncated_normal(weight, scale * truncated_stddev, truncated_limit,
                                           generator.reserve(weight.numel()));
      break;
  }
  if (bias.defined()) bias.fill(0);
}

}  // namespace hebb
