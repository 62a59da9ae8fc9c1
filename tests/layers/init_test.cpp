#include "layers/init.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/parallel.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "tests/catch.hpp"

using namespace hebb;

namespace {

struct Statistics {
  double mean = 0, stddev = 0, largest = 0;
};

Statistics statistics(const Tensor& x) {
  Statistics s;
  const std::vector<float> values = x.to_vector<float>();
  for (const float value : values) {
    s.mean += value / double(values.size());
    s.largest = std::max(s.largest, std::abs(double(value)));
  }
  for (const float value : values)
    s.stddev += (value - s.mean) * (value - s.mean) / double(values.size());
  s.stddev = std::sqrt(s.stddev);
  return s;
}

struct Filled {
  Statistics weight, bias;
};

Filled fill(const char* text, const Shape& shape, uint64_t seed = 1) {
  const Tensor weight = Tensor::empty(shape), bias = Tensor::empty({shape[0]});
  Generator generator(seed);
  Initializer::parse(text)(weight, bias, generator);
  return {statistics(weight), statistics(bias)};
}

}  // namespace

TEST_CASE("initialisers have the spread that their formulas ask for", "[layers]") {
  for (const Shape& shape : {Shape{300, 400}, Shape{300, 16, 5, 5}}) {
    INFO(shape.to_string());
    const double fan_in = 400, fan_out = shape.rank() == 2 ? 300 : 300 * 25;

    const Filled pytorch = fill("pytorch", shape);
    CHECK(pytorch.weight.stddev == Approx(1 / std::sqrt(3 * fan_in)).epsilon(0.01));
    CHECK(pytorch.weight.largest <= 1 / std::sqrt(fan_in));
    CHECK(pytorch.weight.largest > 0.999 / std::sqrt(fan_in));
    CHECK(pytorch.bias.stddev == Approx(1 / std::sqrt(3 * fan_in)).epsilon(0.1));
    CHECK(std::abs(pytorch.weight.mean) < 1e-3);

    const Filled he = fill("he", shape);
    CHECK(he.weight.stddev == Approx(std::sqrt(2 / fan_in)).epsilon(0.01));
    CHECK(he.weight.largest > 3.5 * he.weight.stddev);
    CHECK(he.bias.largest == 0);

    CHECK(fill("he-fan-out", shape).weight.stddev == Approx(std::sqrt(2 / fan_out)).epsilon(0.01));

    const Filled xavier = fill("xavier", shape);
    const double bound = std::sqrt(6 / (fan_in + fan_out));
    CHECK(xavier.weight.stddev == Approx(bound / std::sqrt(3.0)).epsilon(0.01));
    CHECK(xavier.weight.largest <= bound);
    CHECK(xavier.bias.largest == 0);

    // A normal cut at two deviations keeps 0.8796 of its own.
    const Filled truncated = fill("truncated-normal", shape);
    CHECK(truncated.weight.stddev == Approx(0.08796).epsilon(0.01));
    CHECK(truncated.weight.largest <= 0.2f);
    CHECK(truncated.weight.largest > 0.199);
    CHECK(truncated.bias.largest == 0);

    const Filled half = fill("he:scale=0.5", shape);
    CHECK(half.weight.stddev == Approx(he.weight.stddev / 2));
    CHECK(fill("pytorch:scale=2", shape).bias.largest == Approx(2 * pytorch.bias.largest));
  }
}

TEST_CASE("initialisers have names", "[layers]") {
  for (const char* name : {"pytorch", "he", "he-fan-out", "xavier", "truncated-normal",
                           "xavier:scale=0.25", "he:residual=0", "pytorch:scale=2,residual=0.5"})
    CHECK(Initializer::parse(name).to_string() == name);
  CHECK_THROWS_WITH(
      Initializer::parse("lecun"),
      "[init] expected one of pytorch, he, he-fan-out, xavier, truncated-normal, got \"lecun\"");
  CHECK_THROWS_AS(Initializer::parse("he:scale=0"), ValueError);
  CHECK_THROWS_AS(Initializer::parse("he:residual=-1"), ValueError);
  CHECK_THROWS_AS(Initializer::parse("he:gain=2"), ValueError);
}

TEST_CASE("initial weights depend on the generator alone", "[layers]") {
  const int threads = num_threads();
  for (const char* name : {"pytorch", "he", "xavier", "truncated-normal"}) {
    const auto weights = [&](uint64_t seed) {
      const Sequential net =
          mlp({784, 500, 10}, {.init = Initializer::parse(name), .generator = Generator(seed)});
      std::vector<float> all;
      for (const NamedTensor& parameter : net.parameters())
        for (const float value : parameter.tensor.to_vector<float>()) all.push_back(value);
      return all;
    };
    set_num_threads(1);
    const std::vector<float> one = weights(4);
    set_num_threads(3);
    CHECK(weights(4) == one);
    CHECK(weights(5) != one);
    set_num_threads(threads);
  }
}

TEST_CASE("layers of one shape start differently", "[layers]") {
  const State state = mlp({8, 8, 8}).state();
  CHECK(state.at("fc1.weight").to_vector<float>() != state.at("fc2.weight").to_vector<float>());
  // Dropout draws nothing, so that methods can be compared from the same start.
  CHECK(lenet5({.dropout = 0.5}).state().at("fc3.weight").to_vector<float>() ==
        lenet5().state().at("fc3.weight").to_vector<float>());
}
