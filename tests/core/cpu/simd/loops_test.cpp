#include "core/cpu/simd/loops.hpp"

#include <limits>

#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::random_numbers;

TEMPLATE_TEST_CASE("map and its sums take every length", "[simd]", float, double) {
  using T = TestType;
  using V = Vec<T>;
  for (const int64_t n : {0, 1, 3, 7, 8, 17, 64, 1000, 5000, 70000}) {
    INFO(n << " elements");
    const auto a = random_numbers<T>(n, 1), b = random_numbers<T>(n, 2);
    const auto product = [](V x, V y) { return x * y; };
    std::vector<T> y(n + 1, T(7)), z(n + 1, T(7)), w(n + 1, T(7)), expected(n + 1, T(7));
    double total = 0;
    for (int64_t i = 0; i < n; ++i) {
      expected[i] = a[i] * b[i];
      total += double(expected[i]);
    }
    map(n, y.data(), product, a.data(), b.data());
    parallel_map(n, z.data(), product, a.data(), b.data());
    const double sum = map_sum(n, w.data(), product, a.data(), b.data());
    CHECK(y == expected);
    CHECK(z == expected);
    CHECK(w == expected);
    const double tolerance = double(std::numeric_limits<T>::epsilon()) * 64 * std::sqrt(n + 1.0);
    CHECK(std::abs(sum - total) <= tolerance);
    CHECK(std::abs(sum_of<T>(n, product, a.data(), b.data()) - total) <= tolerance);
  }
}

TEMPLATE_TEST_CASE("lanes behind the last element do not count", "[simd]", float, double) {
  using T = TestType;
  const T x[] = {2, 4, 8};
  // e^0 = 1 in the lanes behind would be added otherwise.
  const auto one_more = [](Vec<T> a) { return a + Vec<T>(T(1)); };
  CHECK(sum_of<T>(3, one_more, x) == 17);
  T y[4] = {0, 0, 0, 9};
  CHECK(map_sum(3, y, one_more, x) == 17);
  CHECK(y[3] == T(9));
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
