#include "core/autograd.hpp"
#include "core/ops/ops.hpp"
#include "regularizers/energy.hpp"
#include "regularizers/l1.hpp"
#include "regularizers/weight_decay.hpp"
#include "tests/regularizers/reference.hpp"

namespace hebb {
namespace {

using test::Values;

/// A layer on pixels and one on neurons, with activations of both signs.
struct Network {
  Tensor pixels, hidden, weight1, bias1, weight2;
  test::Taps taps{{"fc1", "out"}};

  Network() {
    uint64_t stream = 0;
    const auto normal = [&](const Shape& shape) {
      return Tensor::from(test::normal_values(shape.numel(), ++stream), shape);
    };
    pixels = normal(Shape{3, 4});
    hidden = normal(Shape{3, 5}).set_requires_grad();
    weight1 = normal(Shape{5, 4}).set_requires_grad();
    bias1 = normal(Shape{5}).set_requires_grad();
    weight2 = normal(Shape{2, 5}).set_requires_grad();
    taps.add(pixels, weight1, bias1, true).add(hidden, weight2);
  }
};

template <class F>
double sum_of(const Tensor& x, F f) {
  double total = 0;
  for (const double value : x.to_vector<double>()) total += f(value);
  return total;
}

double magnitude(double x) { return std::abs(x); }
double squared(double x) { return x * x; }

GradcheckResult check_gradient(const Network& network, const Regularizer& regularizer) {
  const Tensor inputs[] = {network.hidden, network.weight1, network.bias1, network.weight2};
  return gradcheck(
      [&](std::span<const Tensor> x) {
        test::Taps taps{{"fc1", "out"}};
        taps.add(network.pixels, x[1], x[2], true).add(x[0], x[3]);
        // One that leaves an input out has a gradient of zero there.
        return regularizer.penalty(taps.taps) +
               (sum(x[0]) + sum(x[1]) + sum(x[2]) + sum(x[3])) * 0.0;
      },
      inputs);
}

}  // namespace

TEST_CASE("L1 and L2 are sums over the weights of their scope", "[regularizers]") {
  const Network n;
  const std::vector<NamedTensor> all = {{"conv.weight", n.pixels}, {"out.weight", n.weight2}};
  const auto norms = [&](auto norm, PenaltyScope scope) {
    if (scope == PenaltyScope::all_parameters)
      return sum_of(n.pixels, norm) + sum_of(n.weight2, norm);
    const double weights = sum_of(n.weight1, norm) + sum_of(n.weight2, norm);
    return scope == PenaltyScope::dense_weights ? weights : weights + sum_of(n.bias1, norm);
  };
  for (const PenaltyScope scope :
       {PenaltyScope::dense_weights, PenaltyScope::dense_weights_and_biases,
        PenaltyScope::all_parameters}) {
    const L1 l1({.lambda = 0.3, .scope = scope}, all);
    const WeightDecay l2({.lambda = 0.7, .scope = scope}, all);
    CHECK(l1.penalty(n.taps.taps).item() == Approx(0.3 * norms(magnitude, scope)).epsilon(1e-13));
    CHECK(l2.penalty(n.taps.taps).item() == Approx(0.7 * norms(squared, scope)).epsilon(1e-13));
    if (scope == PenaltyScope::all_parameters) continue;
    for (const Regularizer* regularizer :
         {static_cast<const Regularizer*>(&l1), static_cast<const Regularizer*>(&l2)}) {
      const GradcheckResult result = check_gradient(n, *regularizer);
      INFO(regularizer->name() << ": " << result.message);
      CHECK(result.ok);
    }
  }
}

TEST_CASE("L2 is half of PyTorch's weight decay", "[regularizers]") {
  const Network n;
  WeightDecay({.lambda = 0.05}).penalty(n.taps.taps).backward();
  const Values w = n.weight2.to_vector<double>(), dw = n.weight2.grad().to_vector<double>();
  for (size_t i = 0; i < w.size(); ++i) CHECK(dw[i] == Approx(0.1 * w[i]));
}

TEST_CASE("A layer that runs twice is penalised once", "[regularizers]") {
  const Network n;
  test::Taps twice{{"fc", "fc"}};
  twice.add(n.hidden, n.weight2).add(n.hidden, n.weight2);
  CHECK(L1({.lambda = 1}).penalty(twice.taps).item() == Approx(sum_of(n.weight2, magnitude)));
  CHECK(Energy({.weight = 1}).penalty(twice.taps).item() == Approx(sum_of(n.weight2, squared)));
}

TEST_CASE("Energy has the three terms of Whittington et al.", "[regularizers]") {
  const Network n;
  const auto value = [&](EnergyOptions options) {
    return Energy(options).penalty(n.taps.taps).item();
  };
  const double samples = 3;
  const double activity = sum_of(n.hidden, squared) / samples;
  const double weight = sum_of(n.weight1, squared) + sum_of(n.weight2, squared);
  const double below = sum_of(n.hidden, [](double a) { return std::max(-a, 0.0); }) / samples;
  CHECK(value({.activity = 2}) == Approx(2 * activity).epsilon(1e-13));
  CHECK(value({.weight = 3}) == Approx(3 * weight).epsilon(1e-13));
  CHECK(value({.nonnegativity = 5}) == Approx(5 * below).epsilon(1e-13));
  CHECK(value({.activity = 2, .weight = 3, .nonnegativity = 5}) ==
        Approx(2 * activity + 3 * weight + 5 * below).epsilon(1e-13));
  CHECK(!Energy().penalty(n.taps.taps).defined());

  const GradcheckResult result =
      check_gradient(n, Energy({.activity = 2, .weight = 3, .nonnegativity = 5}));
  INFO(result.message);
  CHECK(result.ok);
}

TEST_CASE("Strengths are finite and not negative", "[regularizers]") {
  CHECK_THROWS_WITH(L1({.lambda = -1}), "[l1] expected finite lambda of at least 0, got -1");
  CHECK_THROWS_AS(WeightDecay({.lambda = HUGE_VAL}), ValueError);
  CHECK_THROWS_AS(Energy({.weight = std::nan("")}), ValueError);
  CHECK_THROWS_WITH(L1({.scope = PenaltyScope::all_parameters}),
                    "[l1] expected parameters for the scope of all parameters, got none");
  CHECK(!L1({.lambda = 0}).penalty(Network().taps.taps).defined());
  CHECK(L1({.lambda = 0.25}).name() == "l1:lambda=0.25");
  CHECK(WeightDecay({.lambda = 2, .scope = PenaltyScope::dense_weights_and_biases}).name() ==
        "l2:lambda=2,scope=weights-and-biases");
  const Tensor own = Tensor::from(std::vector<double>{0.25, 2}, {2});
  CHECK(L1({.lambdas = own}).name() == "l1:lambda=0.25+2");
  CHECK(WeightDecay({.lambdas = own}).name() == "l2:lambda=0.25+2");
  CHECK_THROWS_WITH(L1({.lambdas = -own}), "[l1] expected finite lambdas of at least 0, got -0.25");
  CHECK_THROWS_WITH(WeightDecay({.lambdas = Tensor::ones({2})}),
                    "[l2] expected lambdas of shape [R] and float64, got float32 [2] on cpu");
  CHECK_THROWS_WITH(L1({.lambdas = own}).penalty(Network().taps.taps),
                    "[regularizer] expected strengths of as many replicas as the network has, [], "
                    "got [2]");
}

}  // namespace hebb
