#include "core/ops/reduce.hpp"

#include <cmath>

#include "core/ops/pool2d.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using namespace test;

TEST_CASE("gradients of a maximum go to the first of equals", "[core][ops]") {
  Tensor x = Tensor::from(Floats{1, 3, 3, 2, 2, 2}, {2, 3}).set_requires_grad();
  sum(max(x, 1)).backward();
  CHECK(x.grad().to_vector<float>() == Floats{0, 1, 0, 1, 0, 0});
  Tensor planes = Tensor::from(Floats{1, 2, 2, 1, 2, 1, 1, 2}, {2, 2, 2}).set_requires_grad();
  sum(max(planes, {0, 2})).backward();
  CHECK(planes.grad().to_vector<float>() == Floats{0, 1, 1, 0, 0, 0, 0, 0});
  Tensor image = Tensor::ones({1, 1, 4, 4}).set_requires_grad();
  sum(max_pool2d(image)).backward();
  CHECK(image.grad().to_vector<float>() == Floats{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0});
  // With overlapping windows one element can win several times.
  Tensor peak = Tensor::zeros({1, 1, 3, 3});
  peak.host<float>()[4] = 1;
  peak.set_requires_grad();
  sum(max_pool2d(peak, {.stride_h = 1, .stride_w = 1})).backward();
  CHECK(peak.grad().host<float>()[4] == 4);
}

TEST_CASE("argmax names the first or the last of equals, and of NaN", "[core][ops]") {
  const auto at = [](const Floats& x, bool last) {
    return argmax(vector_of(x), 0, {.last = last}).item();
  };
  CHECK(at({1, 3, 3, 2}, false) == 1);
  CHECK(at({1, 3, 3, 2}, true) == 2);
  CHECK(at({nan, 3, nan, 4}, false) == 0);
  CHECK(at({nan, 3, nan, 4}, true) == 2);
  CHECK(at({-infinity, -infinity}, true) == 1);
}

TEST_CASE("NaN wins every maximum", "[core][ops]") {
  // At every place, so that each lane of a vector unit is met.
  for (int i = 0; i < 40; ++i) {
    Floats values(40, 1);
    values[size_t(i)] = nan;
    const Tensor x = vector_of(values);
    CHECK(std::isnan(max(x, 0).item()));
    CHECK(argmax(x, 0).item() == i);
    CHECK(std::isnan(max(x.reshape({1, 40}), 1).item()));
    CHECK(std::isnan(max(x.reshape({40, 1}), 0).item()));
    const Tensor pooled = max_pool2d(x.reshape({1, 1, 4, 10}));
    int found = 0;
    for (const float value : pooled.to_vector<float>()) found += std::isnan(value);
    CHECK(found == 1);
  }
  CHECK(max(vector_of({-infinity, -infinity}), 0).item() == -infinity);
}

TEST_CASE("sums of many numbers stay exact", "[core][ops]") {
  constexpr int64_t n = 1 << 22;
  CHECK(sum(Tensor::full({n}, 0.1)).item() == Approx(n * double(0.1f)).epsilon(1e-6));
  CHECK(mean(Tensor::full({n, 1}, 0.1), {0}).item() == Approx(double(0.1f)).epsilon(1e-6));
}

}  // namespace hebb
