#include "analysis/gaussian_process.hpp"

#include "core/autograd.hpp"
#include "core/error.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "tests/analysis/golden.hpp"
#include "tests/catch.hpp"

// The references are made by tests/golden/make_gaussian_process.py, which says what they are:
// scikit-learn's classifier for two classes, where it is the same model; the book's definition
// with dense matrices for three; and for ten classes scikit-learn's accuracy, of a related model.
namespace hebb {
namespace {

using analysis_golden::Json, analysis_golden::matrix;

const Json& processes() {
  static const Json file = analysis_golden::read("gaussian_process.json");
  return file;
}

Tensor labels(const Json& values) {
  return Tensor::from(values.get<std::vector<int64_t>>(), {std::ssize(values)});
}

GaussianProcessClassifier classifier(const Json& data, const Json& kernel, int64_t classes) {
  return {matrix(data["x"]), labels(data["labels"]), classes,
          GaussianProcessOptions{
              .starts = {{.variance = kernel["variance"], .length_scale = kernel["length_scale"]}},
              .evaluations = 0}};
}

double difference(const Tensor& ours, const Tensor& reference) {
  REQUIRE(ours.shape() == reference.shape());
  double largest = 0;
  for (int64_t i = 0; i < ours.numel(); ++i)
    largest = std::max(
        largest, std::abs(ours.host<double>()[size_t(i)] - reference.host<double>()[size_t(i)]));
  return largest;
}

TEST_CASE("With two classes it is scikit-learn's classifier", "[analysis]") {
  const Json& data = processes()["two_classes"];
  const auto ours = classifier(data, data, 2);
  CHECK(ours.members()[0].log_marginal_likelihood ==
        Approx(data["log_marginal_likelihood"].get<double>()).epsilon(1e-6));

  const Tensor points = matrix(data["points"]);
  const Tensor at_mean = ours.probabilities(points);
  // scikit-learn integrates the logistic function by a sum of error functions, we by sampling.
  const Tensor averaged = ours.predict(points, 20'000).probabilities;
  for (size_t i = 0; i < size_t(points.size(0)); ++i) {
    CHECK(at_mean.host<double>()[2 * i + 1] ==
          Approx(data["probability_at_mean"][i].get<double>()).margin(1e-5));
    CHECK(averaged.host<double>()[2 * i + 1] ==
          Approx(data["probability"][i].get<double>()).margin(0.01));
  }
}

TEST_CASE("Laplace's approximation for three classes is that of the dense definition",
          "[analysis]") {
  const Json& data = processes()["three_classes"];
  const Tensor points = matrix(data["points"]);
  for (const Json& expected : data["cases"]) {
    const auto ours = classifier(data, expected, 3);
    CHECK(ours.members()[0].log_marginal_likelihood ==
          Approx(expected["log_marginal_likelihood"].get<double>()).epsilon(1e-6));
    CHECK(difference(ours.probabilities(points), matrix(expected["probabilities_at_mean"])) < 1e-5);
    const auto prediction = ours.predict(points, 20'000);
    CHECK(difference(prediction.probabilities, matrix(expected["probabilities"])) < 0.015);
    for (size_t i = 0; i < size_t(points.size(0)); ++i)
      CHECK(prediction.deviation.host<double>()[i] ==
            Approx(expected["deviation"][i].get<double>()).epsilon(1e-5));
    CHECK(difference(ours.predict(points).probabilities, ours.probabilities(points)) < 1e-12);
  }
}

TEST_CASE("The search finds the kernel with the highest marginal likelihood", "[analysis]") {
  const Json& data = processes()["three_classes"];
  const Json& best = data["best"];
  const GaussianProcessClassifier ours(matrix(data["x"]), labels(data["labels"]), 3,
                                       {.starts = {{1, 1}, {20, 0.5}}, .evaluations = 150});
  for (const auto& member : ours.members()) {
    CHECK(member.log_marginal_likelihood ==
          Approx(best["log_marginal_likelihood"].get<double>()).margin(1e-3));
    CHECK(member.kernel.length_scale == Approx(best["length_scale"].get<double>()).epsilon(0.03));
  }
}

TEST_CASE("An ensemble's probabilities are the mean of its members'", "[analysis]") {
  const Json& data = processes()["three_classes"];
  const Tensor points = matrix(data["points"]);
  Tensor mean = Tensor::zeros({points.size(0), 3}, {.dtype = DType::float64});
  GaussianProcessOptions options{.starts = {}, .evaluations = 0};
  for (const Json& kernel : data["cases"]) {
    options.starts.push_back({kernel["variance"], kernel["length_scale"]});
    mean = mean + classifier(data, kernel, 3).probabilities(points) / 3.0;
  }
  const GaussianProcessClassifier ensemble(matrix(data["x"]), labels(data["labels"]), 3, options);
  CHECK(difference(ensemble.probabilities(points), mean) < 1e-12);

  SECTION("and differentiable") {
    const auto function = [&](std::span<const Tensor> inputs) {
      return ensemble.probabilities(inputs[0]);
    };
    Tensor inputs[] = {points.clone()};
    inputs[0].set_requires_grad();
    const GradcheckResult result = gradcheck(function, inputs);
    INFO(result.message);
    CHECK(result);
  }
}

TEST_CASE("Digits are told apart as well as by scikit-learn", "[analysis]") {
  const Json& data = processes()["digits"];
  const Tensor train = matrix(data["train"]), test = matrix(data["test"]);
  const double scale = median_distance(train);
  const GaussianProcessClassifier ours(
      train, labels(data["train_labels"]), 10,
      {.starts = {{10, scale}, {1, scale / 2}}, .evaluations = 30, .search_rows = 40});
  const Tensor answers = argmax(ours.probabilities(test), 1);
  const double accuracy =
      count_equal(answers, labels(data["test_labels"])).item() / double(test.size(0));
  CHECK(accuracy > data["accuracy"].get<double>() - 0.02);
  CHECK(accuracy < 1);
}

TEST_CASE("A Gaussian process refuses what does not fit", "[analysis]") {
  const Tensor x = Tensor::from(std::vector<double>{0, 1, 2, 3}, {4, 1});
  const Tensor y = Tensor::from(std::vector<int64_t>{0, 1, 0, 1}, {4});
  CHECK_THROWS_AS(GaussianProcessClassifier(x, y, 1), ValueError);
  CHECK_THROWS_AS(GaussianProcessClassifier(x, y.slice(0, 3), 2), ShapeError);
  CHECK_THROWS_AS(
      GaussianProcessClassifier(x, Tensor::from(std::vector<int64_t>{0, 1, 2, 1}, {4}), 2),
      ValueError);
  CHECK_THROWS_AS(GaussianProcessClassifier(x, y, 2, {.starts = {}}), ValueError);
  CHECK_THROWS_AS(GaussianProcessClassifier(x, y, 2, {.starts = {{-1, 1}}}), ValueError);
  const GaussianProcessClassifier ours(x, y, 2);
  CHECK_THROWS_AS(ours.probabilities(Tensor::zeros({2, 2}, {.dtype = DType::float64})), ShapeError);
  CHECK_THROWS_AS(ours.predict(x, -1), ValueError);
}

}  // namespace
}  // namespace hebb
