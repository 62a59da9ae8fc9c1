#include "core/ops/elementwise.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/reduce.hpp"
#include "core/storage.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using namespace test;

TEST_CASE("operators are the operations", "[core][ops]") {
  const Tensor a = vector_of({6, 8}), b = vector_of({2, -4});
  CHECK((a + b).to_vector<float>() == Floats{8, 4});
  CHECK((a - b).to_vector<float>() == Floats{4, 12});
  CHECK((a * b).to_vector<float>() == Floats{12, -32});
  CHECK((a / b).to_vector<float>() == Floats{3, -2});
  CHECK((a + 1.0).to_vector<float>() == Floats{7, 9});
  CHECK((1.0 + a).to_vector<float>() == Floats{7, 9});
  CHECK((a - 1.0).to_vector<float>() == Floats{5, 7});
  CHECK((1.0 - a).to_vector<float>() == Floats{-5, -7});
  CHECK((a * 0.5).to_vector<float>() == Floats{3, 4});
  CHECK((0.5 * a).to_vector<float>() == Floats{3, 4});
  CHECK((a / 2.0).to_vector<float>() == Floats{3, 4});
  CHECK((-a).to_vector<float>() == Floats{-6, -8});
}

TEST_CASE("kinks have the gradient 0", "[core][ops]") {
  for (const auto& f : {abs, relu}) {
    Tensor x = vector_of({-2, 0, 3}).set_requires_grad();
    sum(f(x)).backward();
    CHECK(x.grad().host<float>()[1] == 0);
    CHECK(x.grad().host<float>()[2] == 1);
  }
  Tensor x = vector_of({-2, 0, 3}).set_requires_grad();
  sum_abs(x).backward();
  CHECK(x.grad().to_vector<float>() == Floats{-1, 0, 1});
}

TEST_CASE("elementwise functions keep their limits", "[core][ops]") {
  // Long enough for whole vectors and a rest.
  for (const int n : {1, 7, 16, 37}) {
    const auto filled = [&](float value) { return vector_of(Floats(size_t(n), value)); };
    const auto all = [&](const Tensor& x, double expected) {
      for (const float value : x.to_vector<float>()) {
        if (std::isnan(expected))
          CHECK(std::isnan(value));
        else
          CHECK(double(value) == expected);
      }
    };
    all(exp(filled(-infinity)), 0);
    all(exp(filled(-200)), 0);
    all(exp(filled(200)), infinity);
    all(exp(filled(0)), 1);
    all(exp(filled(nan)), nan);
    all(log(filled(0)), -infinity);
    all(log(filled(-1)), nan);
    all(log(filled(infinity)), infinity);
    all(log(filled(1)), 0);
    all(sqrt(filled(-1)), nan);
    all(sqrt(filled(0)), 0);
    all(tanh(filled(100)), 1);
    all(tanh(filled(-infinity)), -1);
    all(tanh(filled(nan)), nan);
    all(sigmoid(filled(200)), 1);
    all(sigmoid(filled(-200)), 0);
    all(sigmoid(filled(nan)), nan);
    all(relu(filled(nan)), nan);
    all(relu(filled(infinity)), infinity);
    all(relu(filled(-infinity)), 0);
    all(abs(filled(-infinity)), infinity);
  }
}

TEST_CASE("powers keep their limits, and so do their gradients", "[core][ops]") {
  const auto bits = [](const Tensor& x) { return x.to_vector<float>(); };
  CHECK(bits(pow(vector_of({0, -2, infinity, 2}), 3)) == Floats{0, -8, infinity, 8});
  CHECK(bits(pow(vector_of({0, -2, 0.5f}), vector_of({0, 3, -1}))) == Floats{1, -8, 2});
  CHECK(std::isnan(pow(vector_of({-2}), 0.5).item()));
  CHECK(std::isnan(pow(vector_of({nan}), 2).item()));
  CHECK(pow(vector_of({nan}), 0).item() == 1);

  Tensor x = vector_of({0, 0, 0, -2}).set_requires_grad();
  Tensor e = vector_of({0, 2, 1, 3}).set_requires_grad();
  sum(pow(x, e)).backward();
  CHECK(bits(x.grad()) == Floats{0, 0, 1, 12});
  const Floats slopes = bits(e.grad());
  CHECK(Floats(slopes.begin(), slopes.begin() + 3) == Floats{0, 0, 0});
  CHECK(std::isnan(slopes[3]));  // a power of a number below 0 next to a whole exponent
  x.zero_grad();
  sum(pow(x, 0)).backward();
  CHECK(bits(x.grad()) == Floats{0, 0, 0, 0});
}

TEST_CASE("subnormal numbers count as zeros", "[core][ops]") {
  // Long enough for whole vectors and a rest, and for pieces that other threads compute.
  for (const int64_t n : {1, 7, 37, 300000})
    for (const DType dtype : {DType::float32, DType::float64}) {
      const bool wide = dtype == DType::float64;
      const double tiny = wide ? 2e-309 : 2e-39;
      const Tensor x = Tensor::full({n}, tiny, {dtype});
      const auto all = [&](const Tensor& y, double expected) {
        const Tensor values = y.to(DType::float64);
        int64_t others = 0;
        for (const double value : values.host<double>())
          others += std::isnan(expected) ? !std::isnan(value) : value != expected;
        CHECK(others == 0);
      };
      const double inf = std::numeric_limits<double>::infinity();
      INFO(n << " of " << name_of(dtype));
      all(log(x), -inf);
      all(exp(x), 1);
      all(tanh(x), 0);
      all(x / x, double(nan));
      all(pow(x, 0.5), 0);
      all(pow(x, -1), inf);
      all(pow(x, x), 1);
    }
}

TEST_CASE("elementwise functions are exact over their range", "[core][ops]") {
  const auto worst = [](Tensor (*f)(const Tensor&), double (*exact)(double), float from, float to) {
    constexpr int n = 20001;
    Floats values(n);
    for (int i = 0; i < n; ++i) values[size_t(i)] = from + (to - from) * float(i) / float(n - 1);
    const Floats y = f(vector_of(values)).to_vector<float>();
    double error = 0;
    for (size_t i = 0; i < n; ++i) {
      const double expected = exact(double(values[i]));
      if (std::abs(expected) < std::numeric_limits<float>::min()) continue;  // flushed
      error = std::max(error, std::abs(double(y[i]) - expected) / std::abs(expected));
    }
    return error;
  };
  CHECK(worst(exp, std::exp, -87, 88) < 4e-7);
  CHECK(worst(log, std::log, 1e-3f, 1e3f) < 4e-7);
  CHECK(worst(tanh, std::tanh, -12, 12) < 1e-6);
  CHECK(worst(tanh, std::tanh, -1e-3f, 1e-3f) < 1e-6);
  CHECK(worst(
            sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80) < 1e-6);
  CHECK(worst(sqrt, std::sqrt, 0, 1e6f) < 1e-7);
  CHECK(worst([](const Tensor& x) { return pow(x, 7.5); },
              [](double x) { return std::pow(x, 7.5); }, 1e-2f, 1e4f) < 1.2e-7);
}

TEST_CASE("an operation on one element takes no memory from the system", "[core][ops]") {
  Tensor x = Tensor::ones({1}).set_requires_grad();
  const auto step = [&] {
    x.zero_grad();
    Tensor y = x;
    for (int i = 0; i < 20; ++i) y = tanh(y * y + 1.0);
    sum(y).backward();
  };
  for (int i = 0; i < 3; ++i) step();
  const int64_t taken = memory_stats().system_allocations;
  for (int i = 0; i < 100; ++i) step();
  CHECK(memory_stats().system_allocations == taken);
}

}  // namespace hebb
