#include "core/cpu/gemm/gemm.hpp"

#include <limits>

#include "core/parallel.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::largest_difference, test::random_numbers;

struct Case {
  bool trans_a, trans_b;
  int64_t m, n, k;
  double alpha = 1, beta = 0;
  bool row_bias = false, column_bias = false;
};

/// The largest error of gemm and of parallel_gemm against sums in double.
template <class T>
double gemm_error(const Case& q) {
  const int64_t pad = 3, lda = (q.trans_a ? q.m : q.k) + pad, ldb = (q.trans_b ? q.k : q.n) + pad,
                ldc = q.n + pad;
  const auto a = random_numbers<T>((q.trans_a ? q.k : q.m) * lda, 1);
  const auto b = random_numbers<T>((q.trans_b ? q.n : q.k) * ldb, 2);
  const auto rows = random_numbers<T>(q.m, 3), columns = random_numbers<T>(q.n, 4);
  auto c = random_numbers<T>(q.m * ldc, 5);
  std::vector<T> expected = c;
  for (int64_t i = 0; i < q.m; ++i)
    for (int64_t j = 0; j < q.n; ++j) {
      long double sum = 0;
      for (int64_t p = 0; p < q.k; ++p)
        sum += static_cast<long double>(q.trans_a ? a[p * lda + i] : a[i * lda + p]) *
               (q.trans_b ? b[j * ldb + p] : b[p * ldb + j]);
      long double x = q.alpha * sum + q.beta * double(c[i * ldc + j]);
      if (q.row_bias) x += rows[i];
      if (q.column_bias) x += columns[j];
      expected[i * ldc + j] = T(x);
      if (q.beta == 0) c[i * ldc + j] = std::numeric_limits<T>::quiet_NaN();  // must not be read
    }
  Product<T> product = {.m = q.m,
                        .n = q.n,
                        .k = q.k,
                        .a = {a.data(), lda, q.trans_a},
                        .b = {b.data(), ldb, q.trans_b},
                        .c = c.data(),
                        .c_stride = ldc,
                        .alpha = T(q.alpha),
                        .beta = T(q.beta),
                        .row_bias = q.row_bias ? rows.data() : nullptr,
                        .column_bias = q.column_bias ? columns.data() : nullptr};
  auto d = c;
  gemm(product);
  product.c = d.data();
  parallel_gemm(product);
  return std::max(largest_difference(c, expected), largest_difference(d, expected));
}

template <class T>
void check_gemm(const Case& q) {
  INFO("transposed " << q.trans_a << q.trans_b << ", m " << q.m << ", n " << q.n << ", k " << q.k);
  const double unit = double(std::numeric_limits<T>::epsilon());
  CHECK(gemm_error<T>(q) <= unit * (double(q.k) / 2 + 16));
}

TEMPLATE_TEST_CASE("gemm computes every shape and transposition", "[gemm]", HEBB_ELEMENT_TYPES) {
  int turn = 0;
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true})
      for (const int64_t m : {1, 2, 4, 7, 13, 37})
        for (const int64_t n : {1, 3, 10, 16, 33, 97, 131})
          for (const int64_t k : {0, 1, 2, 5, 17, 64, 101}) {
            ++turn;
            check_gemm<TestType>({trans_a, trans_b, m, n, k, turn % 3 ? 1.0 : -0.5,
                                  turn % 4 ? 0.0 : 0.75, turn % 5 == 0, turn % 7 == 0});
          }
}

TEMPLATE_TEST_CASE("gemm cuts large products into blocks", "[gemm]", HEBB_ELEMENT_TYPES) {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true}) {
      check_gemm<TestType>({trans_a, trans_b, 100, 300, 784, 1, 0, false, true});
      check_gemm<TestType>({trans_a, trans_b, 61, 130, 1100, 1, 1, true});
      check_gemm<TestType>({trans_a, trans_b, 1, 700, 1300, 1, 0, true, true});
      check_gemm<TestType>({trans_a, trans_b, 700, 1, 1300, 1, 0, true, true});
    }
}

TEST_CASE("gemm gives the same bits where it passes over zeros", "[gemm]") {
  for (const int64_t k : {784, 789}) {
    // Too few columns for a look at the row, and enough.
    const int64_t few = 150, n = 2 * few;
    auto a = random_numbers<float>(k, 1);
    for (int64_t p = 0; p < k; ++p)
      if (p / 50 % 2 == 0 || p > k - 3) a[size_t(p)] = p % 3 ? 0.0f : -0.0f;
    const auto b = random_numbers<float>(n * k, 2);
    std::vector<float> whole(n), halves(n);
    const auto product = [&](std::vector<float>& c, int64_t begin, int64_t columns) {
      gemm<float>({.m = 1,
                   .n = columns,
                   .k = k,
                   .a = {a.data(), k},
                   .b = {b.data() + begin * k, k, true},
                   .c = c.data() + begin,
                   .c_stride = n});
    };
    product(whole, 0, n);
    product(halves, 0, few);
    product(halves, few, few);
    CHECK(whole == halves);
    check_gemm<float>({false, true, 1, n, k});
  }
}

TEST_CASE("parallel_gemm gives the same bits for every number of threads", "[gemm]") {
  const int64_t m = 300, n = 700, k = 90;
  const auto a = random_numbers<float>(m * k, 1), b = random_numbers<float>(k * n, 2);
  std::vector<float> one(m * n), three(m * n);
  Product<float> product = {.m = m,
                            .n = n,
                            .k = k,
                            .a = {a.data(), k},
                            .b = {b.data(), n},
                            .c = one.data(),
                            .c_stride = n};
  const int before = num_threads();
  set_num_threads(1);
  parallel_gemm(product);
  set_num_threads(3);
  product.c = three.data();
  parallel_gemm(product);
  set_num_threads(before);
  CHECK(one == three);
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
