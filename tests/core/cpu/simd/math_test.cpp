#include "core/cpu/simd/math.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "tests/catch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// The largest error of `function` in units in the last place of the exact result, over floats
/// spread evenly by their bits between two of the same sign.
template <class Function, class Exact>
double largest_ulp_error(Function function, Exact exact, float from, float to) {
  int32_t bits, last;
  std::memcpy(&bits, &from, sizeof(bits));
  std::memcpy(&last, &to, sizeof(last));
  const int32_t step = (last - bits) / 400000 + 1;
  double largest = 0;
  for (; bits <= last - step; bits += step) {
    float x;
    std::memcpy(&x, &bits, sizeof(x));
    const double expected = exact(double(x));
    const float magnitude = std::abs(float(expected));
    if (magnitude < std::numeric_limits<float>::min()) continue;
    const double ulp = double(std::nextafter(magnitude, 1e38f)) - double(magnitude);
    const double error = std::abs(double(function(Vec<float>(x))[0]) - expected) / std::abs(ulp);
    if (!(error <= largest)) largest = error;
  }
  return largest;
}

TEST_CASE("vector functions are exact to a few units in the last place", "[simd]") {
  using V = Vec<float>;
  const auto vector_exp = [](V x) { return exp(x); };
  const auto vector_log = [](V x) { return log(x); };
  const auto vector_tanh = [](V x) { return tanh(x); };
  const auto vector_sigmoid = [](V x) { return sigmoid(x); };
  const auto exact_exp = [](double x) { return std::exp(x); };
  const auto exact_log = [](double x) { return std::log(x); };
  const auto exact_tanh = [](double x) { return std::tanh(x); };
  const auto exact_sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
  CHECK(largest_ulp_error(vector_exp, exact_exp, 1e-10f, 88.5f) < 2);
  CHECK(largest_ulp_error(vector_exp, exact_exp, -1e-10f, -87.0f) < 2);
  CHECK(largest_ulp_error(vector_log, exact_log, 1.2e-38f, 3e38f) < 2);
  CHECK(largest_ulp_error(vector_tanh, exact_tanh, 1e-30f, 50.0f) < 2.5);
  CHECK(largest_ulp_error(vector_tanh, exact_tanh, -1e-30f, -50.0f) < 2.5);
  CHECK(largest_ulp_error(vector_sigmoid, exact_sigmoid, 1e-10f, 50.0f) < 3);
  CHECK(largest_ulp_error(vector_sigmoid, exact_sigmoid, -1e-10f, -86.0f) < 3);
}

TEMPLATE_TEST_CASE("vector functions at the ends of the range", "[simd]", float, double) {
  using T = TestType;
  using V = Vec<T>;
  const T infinity = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
  CHECK(exp(V(T(0)))[0] == T(1));
  CHECK(exp(V(infinity))[0] == infinity);
  CHECK(exp(V(T(1000)))[0] == infinity);
  CHECK(exp(V(-infinity))[0] == T(0));
  CHECK(exp(V(T(-1000)))[0] == T(0));
  CHECK(std::isnan(exp(V(nan))[0]));
  CHECK(log(V(T(1)))[0] == T(0));
  CHECK(log(V(T(0)))[0] == -infinity);
  CHECK(log(V(infinity))[0] == infinity);
  CHECK(std::isnan(log(V(T(-1)))[0]));
  CHECK(std::isnan(log(V(nan))[0]));
  CHECK(tanh(V(infinity))[0] == T(1));
  CHECK(tanh(V(-infinity))[0] == T(-1));
  CHECK(std::isnan(tanh(V(nan))[0]));
  CHECK(std::signbit(tanh(V(T(-0.0)))[0]));
  CHECK(sigmoid(V(infinity))[0] == T(1));
  CHECK(sigmoid(V(-infinity))[0] == T(0));
  CHECK(sigmoid(V(T(0)))[0] == T(0.5));
}

TEMPLATE_TEST_CASE("sign and relu take every number", "[simd]", float, double) {
  using T = TestType;
  using V = Vec<T>;
  const T nan = std::numeric_limits<T>::quiet_NaN();
  for (const T x : {T(-3), T(-0.0), T(0), T(5)}) {
    CHECK(sign(V(x))[0] == T((x > 0) - (x < 0)));
    CHECK(relu(V(x))[0] == std::max(x, T(0)));
  }
  CHECK(sign(V(nan))[0] == T(0));
  CHECK(std::isnan(relu(V(nan))[0]));
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
