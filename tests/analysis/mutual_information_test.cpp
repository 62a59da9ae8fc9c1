#include "analysis/mutual_information.hpp"

#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"
#include "tests/analysis/golden.hpp"

using namespace hebb;
using namespace hebb::analysis_golden;

namespace {

/// The labels themselves, and each class against the rest.
Tensor golden_factors(const std::vector<int64_t>& labels) {
  std::vector<int64_t> factors;
  for (const int64_t label : labels) {
    factors.push_back(label);
    for (int64_t c = 0; c < 5; ++c) factors.push_back(label == c);
  }
  return Tensor::from(factors, {std::ssize(labels), 6});
}

}  // namespace

TEST_CASE("mutual information is scikit-learn's", "[analysis]") {
  const Json& entry = golden()["information"];
  const Tensor activations = matrix(entry["activations"]);
  const Tensor factors = golden_factors(integers(entry["labels"]));
  constexpr int seeds = 50;  // as many as the golden file has
  for (const int k : {3, 10}) {
    std::vector<double> found(5 * 6);
    for (uint64_t seed = 0; seed < seeds; ++seed) {
      const Tensor once = mutual_information(activations, factors, {.neighbors = k, .seed = seed});
      REQUIRE(once.shape() == Shape{5, 6});
      for (size_t i = 0; i < found.size(); ++i) found[i] += once.host<double>()[i] / seeds;
    }
    const Json& reference = entry["neighbors"][std::to_string(k)];
    const auto mean = matrix(reference["mean"]).to_vector<double>();
    const auto deviation = matrix(reference["deviation"]).to_vector<double>();
    for (size_t i = 0; i < found.size(); ++i) {
      INFO(k << " neighbours, neuron " << i / 6 << ", factor " << i % 6);
      // The equal zeros of the rectified neuron, the last, leave its estimate to the noise: two
      // means over as many seeds agree within four standard errors.
      CHECK(std::abs(found[i] - mean[i]) < 4 * std::sqrt(2.0 / seeds) * deviation[i] + 1e-9);
      CHECK((i / 6 == 4) == (deviation[i] > 1e-12));
    }
  }
}

TEST_CASE("mutual information from bins, by hand", "[analysis]") {
  // The first tells the two classes apart, the second not at all, the third is constant.
  const Tensor activations = rows({{0, 0, 5}, {1, 9, 5}, {8, 0, 5}, {9, 9, 5}});
  const Tensor factors = Tensor::from(std::vector<int64_t>{0, 0, 1, 1}, {4, 1});
  const auto found =
      mutual_information(activations, factors,
                         {.estimator = MutualInformationOptions::Estimator::bins, .bins = 2})
          .to_vector<double>();
  CHECK(found[0] == Approx(std::log(2)));
  CHECK(found[1] == Approx(0).margin(1e-15));
  CHECK(found[2] == Approx(0).margin(1e-15));
}

TEST_CASE("mutual information does not depend on scale, nor threads", "[analysis]") {
  const Json& entry = golden()["information"];
  const Tensor activations = matrix(entry["activations"]);
  const Tensor factors = class_factors(integers(entry["labels"]), 5);
  const auto [a, b] =
      with_threads([&] { return mutual_information(activations, factors).to_vector<double>(); });
  CHECK(a == b);
  std::vector<double> scaled = activations.to_vector<double>();
  for (double& x : scaled) x *= 1024;
  CHECK(
      mutual_information(Tensor::from(scaled, activations.shape()), factors).to_vector<double>() ==
      a);
}

TEST_CASE("the information ratio is 1 for one class each and 0 for all alike", "[analysis]") {
  constexpr int64_t samples = 2000, classes = 4;
  Generator generator(2);
  std::vector<int64_t> labels;
  std::vector<double> each, alike, silent;
  for (int64_t s = 0; s < samples; ++s) {
    labels.push_back(s % classes);
    for (int64_t c = 0; c < classes; ++c)
      each.push_back(s % classes == c ? 5 + generator.normal() : 0);
    for (int64_t n = 0; n < 3; ++n)
      alike.push_back(double(s % classes) + 0.01 * generator.normal());
    silent.push_back(s % classes == 2 ? 10 : 0);
    silent.push_back(0.1 * generator.uniform());  // varies, but by less than a twentieth
  }
  const Tensor factors = class_factors(labels, classes);

  // One class against the rest tells something of the others too: with four equal classes, a
  // neuron that is certain about one has I / H of 1 for it and of ln(4/3) / H for each other.
  const double h = std::log(4.0) - 0.75 * std::log(3.0);
  const double share = 1 / (1 + 3 * (h - 0.75 * (std::log(3.0) - 2.0 / 3 * std::log(2.0))) / h);
  const InformationRatio one = information_ratio(Tensor::from(each, {samples, classes}), factors);
  CHECK(one.ratio == Approx((share - 0.25) / 0.75).margin(0.02));
  CHECK(one.active == std::vector<bool>(classes, true));

  const InformationRatio all = information_ratio(Tensor::from(alike, {samples, 3}), factors);
  CHECK(all.ratio == Approx(0).margin(0.01));

  const InformationRatio partly = information_ratio(Tensor::from(silent, {samples, 2}), factors);
  CHECK(partly.active == std::vector<bool>{true, false});
  CHECK(partly.share[1] == 0);
  CHECK(partly.ratio == Approx((partly.share[0] - 0.25) / 0.75));
}

TEST_CASE("the information ratio of independent factors", "[analysis]") {
  Generator generator(3);
  std::vector<double> disentangled, mixed;
  std::vector<int64_t> factors;
  for (int64_t s = 0; s < 2000; ++s) {
    const int64_t a = generator.below(2), b = generator.below(2);
    factors.insert(factors.end(), {a, b});
    disentangled.insert(disentangled.end(), {double(a) + 0.05 * generator.normal(),
                                             double(b) + 0.05 * generator.normal()});
    mixed.insert(mixed.end(), {double(a + b) + 0.05 * generator.normal(),
                               double(a - b) + 0.05 * generator.normal()});
  }
  const Tensor labels = Tensor::from(factors, {2000, 2});
  CHECK(information_ratio(Tensor::from(disentangled, {2000, 2}), labels).ratio > 0.95);
  CHECK(information_ratio(Tensor::from(mixed, {2000, 2}), labels).ratio < 0.05);
}

TEST_CASE("mutual information refuses what does not fit", "[analysis]") {
  const Tensor activations = rows({{1, 2}, {3, 4}, {5, 7}});
  const Tensor factors = class_factors(std::vector<int64_t>{0, 1, 1}, 2);
  CHECK(factors.to_vector<int64_t>() == std::vector<int64_t>{1, 0, 0, 1, 0, 1});
  CHECK_THROWS_AS(mutual_information(activations, factors.slice(0, 2)), ShapeError);
  CHECK_THROWS_AS(mutual_information(activations, factors, {.neighbors = 0}), ValueError);
  CHECK_THROWS_AS(class_factors(std::vector<int64_t>{2}, 2), ValueError);
  CHECK_THROWS_AS(information_ratio(activations, class_factors(std::vector<int64_t>{0, 0, 0}, 2)),
                  ValueError);
  CHECK_THROWS_AS(
      information_ratio(activations, Tensor::from(std::vector<int64_t>{0, 1, 1}, {3, 1})),
      ValueError);
}
