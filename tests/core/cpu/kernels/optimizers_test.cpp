#include <algorithm>
#include <cmath>

#include "core/cpu/kernels/table.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::random_numbers;

TEST_CASE("adam follows the formula in double", "[optimizers]") {
  const int64_t n = 1001;
  auto param = random_numbers<float>(n, 1), m = random_numbers<float>(n, 2),
       v = random_numbers<float>(n, 3);
  const auto grad = random_numbers<float>(n, 4);
  for (float& x : v) x = x * x;
  const auto p0 = param, m0 = m, v0 = v;
  const AdamStep step = {.lr = 1e-2,
                         .beta1 = 0.9,
                         .beta2 = 0.999,
                         .epsilon = 1e-8,
                         .bias_correction1 = 1 - 0.9 * 0.9,
                         .bias_correction2 = 1 - 0.999 * 0.999};
  optimizer_kernels<float>().adam(n, param.data(), grad.data(), m.data(), v.data(), step);
  double largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double g = double(grad[i]), mean = 0.9 * double(m0[i]) + 0.1 * g;
    const double square = 0.999 * double(v0[i]) + 0.001 * g * g;
    const double expected = double(p0[i]) - step.lr / step.bias_correction1 * mean /
                                                (std::sqrt(square / step.bias_correction2) + 1e-8);
    largest = std::max(largest, std::abs(double(param[i]) - expected) / (1 + std::abs(expected)));
  }
  CHECK(largest < 2e-7);
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
