#include "analysis/sparsity.hpp"

#include <algorithm>
#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

namespace {

int64_t connections(const Tensor& weight) {
  const auto values = weight.to_vector<double>();
  return std::ssize(values) - std::count(values.begin(), values.end(), 0.0);
}

using Values = std::vector<double>;

}  // namespace

TEST_CASE("sparsity is the share of weights below the threshold", "[analysis]") {
  const Tensor weight = rows({{0.005, -0.02}, {0.01, -0.009}});
  CHECK(sparsity(weight, 0.01) == 0.5);
  CHECK(sparsity(weight, 0) == 0);
  CHECK(sparsity(weight, 1) == 1);
}

TEST_CASE("pruning by magnitude keeps the strongest connections", "[analysis]") {
  const Tensor weight = rows({{1, -5, 3, 0.1}, {-4, 2, 0.2, 6}});
  CHECK(prune_by_magnitude(weight, 0.5).to_vector<double>() == Values{0, -5, 3, 0, -4, 0, 0, 6});
  CHECK(prune_by_magnitude(weight, 1).to_vector<double>() == weight.to_vector<double>());
  CHECK(connections(prune_by_magnitude(weight, 0)) == 0);

  Generator generator(1);
  Values values(10 * 84);
  for (double& x : values) x = generator.normal();
  const Tensor random = Tensor::from(values, {10, 84});
  for (const double kept : {0.1, 0.333, 0.75}) {
    const Tensor pruned = prune_by_magnitude(random, kept);
    CHECK(connections(pruned) == std::llround(kept * 840));
    double weakest_kept = 1e9, strongest_removed = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      double& bound = pruned.host<double>()[i] == 0 ? strongest_removed : weakest_kept;
      bound = &bound == &weakest_kept ? std::min(bound, std::abs(values[i]))
                                      : std::max(bound, std::abs(values[i]));
    }
    CHECK(strongest_removed <= weakest_kept);
  }
}

TEST_CASE("pruning by assembly removes whole bundles first", "[analysis]") {
  // Neurons 0 and 2 are an assembly, 1 and 3 another; mean |w| of the bundles by target:
  // target 0: 2.5 and 3.5, target 1: 1.1 and 2.0.
  const Tensor weight = rows({{1, -5, 4, 2}, {-2, 0.5, 0.2, 3.5}});
  const std::vector<int64_t> assemblies = {8, 3, 8, 3};
  const auto pruned = [&](double kept) {
    return prune_by_assembly(weight, assemblies, kept).to_vector<double>();
  };
  CHECK(pruned(0.25) == Values{0, -5, 0, 2, 0, 0, 0, 0});
  CHECK(pruned(0.5) == Values{1, -5, 4, 2, 0, 0, 0, 0});
  CHECK(pruned(0.625) == Values{1, -5, 4, 2, 0, 0, 0, 3.5});  // its bundle's strongest
  CHECK(pruned(0.75) == Values{1, -5, 4, 2, 0, 0.5, 0, 3.5});
  CHECK(pruned(1) == weight.to_vector<double>());
}

TEST_CASE("bundles of equal strength go one after the other", "[analysis]") {
  const Tensor weight = rows({{1, 1, 3, 1}, {3, 3, 1, 3}});
  const std::vector<int64_t> assemblies = {0, 0, 1, 1};  // means 1, 2; 3, 2
  CHECK(prune_by_assembly(weight, assemblies, 0.5).to_vector<double>() ==
        Values{0, 0, 3, 1, 3, 3, 0, 0});
}

TEST_CASE("pruning neurons keeps what an assembly computes", "[analysis]") {
  // Assembly 4: neurons 0, 1, 3 with Σ|w| of 3, 9, 6; assembly 5: neuron 2.
  const Tensor weight = rows({{1, 4, 7, 6}, {2, -5, 8, 0}});
  const std::vector<int64_t> assemblies = {4, 4, 5, 4};
  const auto pruned = [&](double kept, bool compensate) {
    return prune_neurons(weight, assemblies, kept, {.compensate = compensate}).to_vector<double>();
  };
  CHECK(pruned(0.5, false) == Values{0, 4, 7, 6, 0, -5, 8, 0});
  CHECK(pruned(0.5, true) == Values{0, 6, 7, 9, 0, -7.5, 8, 0});
  CHECK(pruned(0.1, true) == Values{0, 12, 7, 0, 0, -15, 8, 0});
  CHECK(pruned(0, true) == Values(8, 0.0));
  CHECK(pruned(1, true) == weight.to_vector<double>());

  // 0.55 * 20 is a little more than 11 in floating point.
  const Tensor ones = Tensor::ones({1, 20}, {.dtype = DType::float64});
  CHECK(connections(prune_neurons(ones, std::vector<int64_t>(20, 0), 0.55)) == 11);
}

TEST_CASE("pruned weights are as the layer takes them", "[analysis]") {
  Tensor weight = rows({{1, 2}, {3, 4}}).to(DType::float32);
  weight.set_requires_grad();
  const Tensor pruned = prune_by_magnitude(weight, 0.5);
  CHECK(pruned.dtype() == DType::float32);
  CHECK(!pruned.requires_grad());
  CHECK(pruned.to_vector<float>() == std::vector<float>{0, 0, 3, 4});
  CHECK(weight.to_vector<float>() == std::vector<float>{1, 2, 3, 4});
  CHECK_THROWS_AS(prune_by_magnitude(weight, 1.5), ValueError);
  CHECK_THROWS_AS(prune_neurons(weight, std::vector<int64_t>{0, 1}, -0.1), ValueError);
  CHECK_THROWS_AS(prune_by_assembly(weight, std::vector<int64_t>{0, 1, 2}, 0.5), ShapeError);
  CHECK_THROWS_AS(sparsity(weight.reshape({4}), 0.5), ShapeError);
}

TEST_CASE("a pruning curve, and where accuracy falls", "[analysis]") {
  const Tensor weight = rows({{1, 2, 3, 4}});
  const Values shares = {1, 0.75, 0.5, 0.25, 0};
  const auto curve = pruning_curve(
      shares, [&](double kept) { return prune_by_magnitude(weight, kept); },
      [](const Tensor& pruned) {
        double sum = 0;
        for (const double w : pruned.to_vector<double>()) sum += w;
        return sum / 10;
      });
  REQUIRE(curve.size() == 5);
  CHECK(curve[1].connections == 0.75);
  CHECK(curve[1].accuracy == Approx(0.9));
  CHECK(curve[3].connections == 0.25);
  CHECK(curve[4].accuracy == 0);

  CHECK(smallest_without_loss(curve, 0.05).connections == 1);
  CHECK(smallest_without_loss(curve, 0.11).connections == 0.75);
  CHECK(smallest_without_loss(curve, 0.35).connections == 0.5);
  // A point that recovers behind a fall does not count.
  CHECK(smallest_without_loss({{0.2, 0.9}, {1, 0.9}, {0.5, 0.3}, {0.8, 0.89}}, 0.02).connections ==
        0.8);
  CHECK_THROWS_AS(smallest_without_loss({}, 0), ValueError);
}
