#include "core/ops/compare.hpp"

#include <cmath>

#include "core/ops/reduce.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using namespace test;

TEST_CASE("equal elements share the gradient of their maximum", "[core][ops]") {
  Tensor a = vector_of({1, 2, 5}).set_requires_grad(), b = vector_of({3, 2, 4}).set_requires_grad();
  sum(maximum(a, b)).backward();
  CHECK(a.grad().to_vector<float>() == Floats{0, 0.5f, 1});
  CHECK(b.grad().to_vector<float>() == Floats{1, 0.5f, 0});
}

TEST_CASE("a maximum with NaN is NaN, a comparison with it is false", "[core][ops]") {
  const Tensor a = vector_of({nan, 1, nan}), b = vector_of({1, nan, nan});
  for (const Tensor& y : {maximum(a, b), minimum(a, b)})
    for (const float value : y.to_vector<float>()) CHECK(std::isnan(value));
  for (const Tensor& y : {equal(a, b), less(a, b), less_equal(a, b), greater(a, b)})
    CHECK(y.to_vector<float>() == Floats{0, 0, 0});
  CHECK(not_equal(a, b).to_vector<float>() == Floats{1, 1, 1});
}

TEST_CASE("where leaves what it does not choose alone", "[core][ops]") {
  Tensor a = vector_of({1, infinity, nan}).set_requires_grad();
  Tensor b = vector_of({nan, 2, 3}).set_requires_grad();
  const Tensor y = where(vector_of({1, 0, 0}), a, b);
  CHECK(y.to_vector<float>() == Floats{1, 2, 3});
  sum(y).backward();
  CHECK(a.grad().to_vector<float>() == Floats{1, 0, 0});
  CHECK(b.grad().to_vector<float>() == Floats{0, 1, 1});
}

TEST_CASE("clamp lets the gradient pass at its ends", "[core][ops]") {
  Tensor x = vector_of({-2, -1, 0, 1, 2}).set_requires_grad();
  sum(clamp(x, -1, 1)).backward();
  CHECK(x.grad().to_vector<float>() == Floats{0, 1, 1, 1, 0});
}

}  // namespace hebb
