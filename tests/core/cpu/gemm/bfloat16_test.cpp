#include "core/cpu/gemm/bfloat16.hpp"

#include <limits>

#include "core/parallel.hpp"
#include "tests/catch.hpp"
#include "tests/core/cpu/bfloat16.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::largest_difference, test::random_numbers, test::to_bfloat16;

struct Matrices {
  bool trans_a, trans_b;
  int64_t m, n, k, pad = 3;
  int64_t lda = (trans_a ? m : k) + pad, ldb = (trans_b ? k : n) + pad, ldc = n + pad;
  std::vector<float> a = random_numbers<float>((trans_a ? k : m) * lda, 1),
                     b = random_numbers<float>((trans_b ? n : k) * ldb, 2),
                     rows = random_numbers<float>(m, 3), columns = random_numbers<float>(n, 4),
                     c = random_numbers<float>(m * ldc, 5);

  Product<float> product(float* to) const {
    return {.m = m,
            .n = n,
            .k = k,
            .a = {a.data(), lda, trans_a},
            .b = {b.data(), ldb, trans_b},
            .c = to,
            .c_stride = ldc};
  }
  /// The product of the rounded factors, in what c holds.
  std::vector<double> expected(double alpha, double beta, bool biases) const {
    std::vector<double> result(c.begin(), c.end());
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t p = 0; p < k; ++p)
          sum += double(to_bfloat16(trans_a ? a[p * lda + i] : a[i * lda + p])) *
                 to_bfloat16(trans_b ? b[j * ldb + p] : b[p * ldb + j]);
        double& x = result[i * ldc + j];
        x = alpha * sum + beta * x + (biases ? double(rows[i]) + columns[j] : 0);
      }
    return result;
  }
};

void check_shapes(Bfloat16Unit unit) {
  for (const bool trans_a : {false, true})
    for (const bool trans_b : {false, true})
      for (const int64_t m : {0, 1, 16, 37, 100})
        for (const int64_t n : {1, 10, 32, 67})
          for (const int64_t k : {0, 1, 2, 31, 64, 129}) {
            INFO("transposed " << trans_a << trans_b << ", m " << m << ", n " << n << ", k " << k);
            const Matrices q{trans_a, trans_b, m, n, k};
            std::vector<float> c = q.c;
            for (int64_t i = 0; i < m; ++i)  // must not be read
              for (int64_t j = 0; j < n; ++j)
                c[i * q.ldc + j] = std::numeric_limits<float>::quiet_NaN();
            bfloat16_gemm(unit, q.product(c.data()));
            const double tolerance = 6e-8 * (double(k) / 2 + 16);
            CHECK(largest_difference(c, q.expected(1, 0, false)) <= tolerance);
            c = q.c;
            Product<float> all = q.product(c.data());
            all.alpha = 0.5f, all.beta = -2;
            all.row_bias = q.rows.data(), all.column_bias = q.columns.data();
            bfloat16_gemm(unit, all);
            CHECK(largest_difference(c, q.expected(0.5, -2, true)) <= tolerance);
          }
}

HEBB_TEST_BFLOAT16("products of bfloat16 have every shape and transposition", "[gemm]",
                   check_shapes)

void check_threads(Bfloat16Unit unit) {
  const Matrices q{false, true, 200, 150, 90};
  std::vector<float> one = q.c, three = q.c;
  const int before = num_threads();
  set_num_threads(1);
  bfloat16_gemm(unit, q.product(one.data()));
  set_num_threads(3);
  bfloat16_gemm(unit, q.product(three.data()));
  set_num_threads(before);
  CHECK(one == three);
}
HEBB_TEST_BFLOAT16("products of bfloat16 have the same bits for every number of threads", "[gemm]",
                   check_threads)

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
