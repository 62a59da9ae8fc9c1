#include "core/ops/normalize.hpp"

#include <cmath>

#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using namespace test;

TEST_CASE("running statistics follow the batches, undefined ones are left out", "[core][ops]") {
  const Tensor x = Tensor::from(Floats{1, 3, 10, 20}, {2, 1, 1, 2});
  const Tensor one = Tensor::ones({1}), zero = Tensor::zeros({1});
  const Tensor mean_only = Tensor::zeros({1}), variance_only = Tensor::ones({1});
  batch_norm2d(x, one, zero, mean_only, {}, {.momentum = 0.5});
  batch_norm2d(x, one, zero, {}, variance_only, {.momentum = 1});
  CHECK(mean_only.item() == Approx(4.25));
  CHECK(variance_only.item() ==
        Approx((7.5 * 7.5 + 5.5 * 5.5 + 1.5 * 1.5 + 11.5 * 11.5) / 3).epsilon(1e-5));
}

TEST_CASE("the running variance of a constant is 0, and never below", "[core][ops]") {
  for (const double momentum : {0.1, 1.0}) {
    const Tensor variance = Tensor::zeros({1});
    batch_norm2d(Tensor::full({2, 1, 4, 4}, 3.25), {}, {}, {}, variance, {.momentum = momentum});
    CHECK(variance.item() == 0);
  }
}

TEST_CASE("small variances lose nothing in the running ones", "[core][ops]") {
  Floats values(32);
  double sum = 0, squares = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] = 1 + 1e-3f * float(i % 8) / 8;
    sum += double(values[i]);
  }
  for (const float value : values) squares += std::pow(double(value) - sum / 32, 2);
  const Tensor x = Tensor::from(values, {2, 1, 4, 4});
  const Tensor mean = Tensor::ones({1}), variance = Tensor::ones({1});
  batch_norm2d(x, {}, {}, mean, variance, {.momentum = 1});
  CHECK(mean.item() == Approx(sum / 32).epsilon(1e-7));
  CHECK(variance.item() == Approx(squares / 31).epsilon(1e-6));
}

TEST_CASE("batch normalisation lets NaN through its ReLU", "[core][ops]") {
  const Tensor x = Tensor::from(Floats{1, nan, 2, -3}, {1, 2, 1, 2});
  const Floats y = batch_norm2d(x, {}, {}, Tensor::zeros({2}), Tensor::ones({2}),
                                {.training = false, .relu = true})
                       .to_vector<float>();
  CHECK(y[0] == Approx(1));
  CHECK(std::isnan(y[1]));
  CHECK(y[3] == 0);
}

TEST_CASE("batch normalisation survives a large mean", "[core][ops]") {
  Floats values(1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 10000 + float(i % 10);
  const Tensor y = batch_norm2d(Tensor::from(values, {10, 1, 10, 10}), Tensor::ones({1}),
                                Tensor::zeros({1}), {}, {});
  const Floats result = y.to_vector<float>();
  for (size_t i = 0; i < 10; ++i)
    CHECK(result[i] == Approx((double(i) - 4.5) / std::sqrt(8.25)).margin(2e-3));
}

}  // namespace hebb
