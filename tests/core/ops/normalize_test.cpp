#include "core/ops/normalize.hpp"

#include <cmath>

#include "tests/catch.hpp"

namespace hebb {
namespace {

using Values = std::vector<float>;

}  // namespace

TEST_CASE("running statistics follow the batches, undefined ones are left out", "[core][ops]") {
  const Tensor x = Tensor::from(Values{1, 3, 10, 20}, {2, 1, 1, 2});
  const Tensor one = Tensor::ones({1}), zero = Tensor::zeros({1});
  const Tensor mean_only = Tensor::zeros({1}), variance_only = Tensor::ones({1});
  batch_norm2d(x, one, zero, mean_only, {}, {.momentum = 0.5});
  batch_norm2d(x, one, zero, {}, variance_only, {.momentum = 1});
  CHECK(mean_only.item() == Approx(4.25));
  CHECK(variance_only.item() ==
        Approx((7.5 * 7.5 + 5.5 * 5.5 + 1.5 * 1.5 + 11.5 * 11.5) / 3).epsilon(1e-5));
}

TEST_CASE("batch normalisation survives a large mean", "[core][ops]") {
  Values values(1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 10000 + float(i % 10);
  const Tensor y = batch_norm2d(Tensor::from(values, {10, 1, 10, 10}), Tensor::ones({1}),
                                Tensor::zeros({1}), {}, {});
  const Values result = y.to_vector<float>();
  for (size_t i = 0; i < 10; ++i)
    CHECK(result[i] == Approx((double(i) - 4.5) / std::sqrt(8.25)).margin(2e-3));
}

}  // namespace hebb
