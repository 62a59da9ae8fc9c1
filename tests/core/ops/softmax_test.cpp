#include "core/ops/softmax.hpp"

#include <cmath>

#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using test::Floats;

TEST_CASE("softmax and its losses do not overflow", "[core][ops]") {
  const Tensor logits = Tensor::from(Floats{1e4f, 0, -1e4f, 1e4f}, {2, 2});
  CHECK(softmax(logits).to_vector<float>() == Floats{1, 0, 0, 1});
  CHECK(log_softmax(logits).to_vector<float>() == Floats{0, -1e4f, -2e4f, 0});
  const auto loss = [&](std::vector<int64_t> labels) {
    return cross_entropy(logits, Tensor::from(labels, {2})).item();
  };
  CHECK(loss({0, 1}) == 0);
  CHECK(loss({1, 0}) == Approx(1.5e4));
  const Tensor p = softmax(logits);
  CHECK(kl_divergence(p, logits).item() == Approx(0).margin(1e-6));
  CHECK(kl_divergence(p, Tensor::zeros({2, 2})).item() == Approx(std::log(2)));
}

TEST_CASE("cross-entropy against labels is the one against their distributions", "[core][ops]") {
  const Tensor logits = Tensor::from(Floats{1, 2, 0.5f, -1, 0, 3}, {2, 3}).set_requires_grad();
  const Tensor labels = Tensor::from(std::vector<int64_t>{2, 0}, {2});
  const Tensor smoothed = Tensor::from(Floats{0.1f, 0.1f, 0.8f, 0.8f, 0.1f, 0.1f}, {2, 3});
  const Tensor hard = cross_entropy(logits, labels, {.label_smoothing = 0.3});
  hard.backward();
  const Floats from_labels = logits.grad().to_vector<float>();
  logits.zero_grad();
  const Tensor soft = cross_entropy_soft(logits, smoothed);
  soft.backward();
  CHECK(hard.item() == Approx(soft.item()).epsilon(1e-6));
  for (size_t i = 0; i < 6; ++i)
    CHECK(logits.grad().host<float>()[i] == Approx(from_labels[i]).margin(1e-6));
}

TEST_CASE("ignored labels count nothing", "[core][ops]") {
  const float nan = test::nan;
  const Tensor logits = Tensor::from(Floats{1, 2, nan, nan, 0, 3}, {3, 2}).set_requires_grad();
  const Tensor labels = Tensor::from(std::vector<int64_t>{0, -100, 1}, {3});
  const auto loss = [&](Reduction reduction) {
    return cross_entropy(logits, labels, {.ignore_index = -100, .reduction = reduction});
  };
  const double first = std::log1p(std::exp(1)), last = std::log1p(std::exp(-3));
  CHECK(loss(Reduction::sum).item() == Approx(first + last));
  CHECK(loss(Reduction::none).to_vector<float>()[1] == 0);
  const Tensor mean = loss(Reduction::mean);
  CHECK(mean.item() == Approx((first + last) / 2));
  mean.backward();
  CHECK(logits.grad().to_vector<float>()[2] == 0);
  CHECK(logits.grad().to_vector<float>()[0] == Approx(-0.5 / (1 + std::exp(-1))));
  const Tensor none = Tensor::from(std::vector<int64_t>{7, 7, 7}, {3});
  CHECK(std::isnan(cross_entropy(logits, none, {.ignore_index = 7}).item()));
}

}  // namespace hebb
