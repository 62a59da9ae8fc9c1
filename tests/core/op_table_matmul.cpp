#include <cmath>

#include "tests/core/op_table.hpp"

namespace hebb::test {
namespace {

Array product(const Array& a, bool ta, const Array& b, bool tb) {
  const int64_t m = a.shape[ta ? 1 : 0], k = a.shape[ta ? 0 : 1], n = b.shape[tb ? 0 : 1];
  Array y({m, n});
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t l = 0; l < k; ++l)
        y(i, j) += (ta ? a(l, i) : a(i, l)) * (tb ? b(j, l) : b(l, j));
  return y;
}

}  // namespace

std::vector<OpCase> matmul_cases() {
  std::vector<OpCase> cases;
  const auto matmul_rows = [&](const char* name, int64_t m, int64_t k, int64_t n) {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true})
        cases.push_back(
            {.op = "matmul",
             .name =
                 std::string(name) + (ta ? ", a transposed" : "") + (tb ? ", b transposed" : ""),
             .operands = {{ta ? Shape{k, m} : Shape{m, k}}, {tb ? Shape{n, k} : Shape{k, n}}},
             .call =
                 [=](auto x) { return matmul(x[0], x[1], {.transpose_a = ta, .transpose_b = tb}); },
             .reference = [=](auto x) { return product(x[0], ta, x[1], tb); },
             .large = m * k * n > 100000});
  };
  matmul_rows("small", 3, 4, 5);
  matmul_rows("one element", 1, 1, 1);
  matmul_rows("odd", 17, 33, 9);
  matmul_rows("no rows", 0, 3, 4);
  matmul_rows("nothing to sum", 3, 0, 4);
  matmul_rows("no columns", 3, 4, 0);
  matmul_rows("large", 131, 257, 163);
  matmul_rows("tall", 1009, 37, 10);

  const auto linear_rows = [&](const char* name, int64_t n, int64_t in, int64_t out) {
    for (const bool bias : {true, false}) {
      std::vector<OperandSpec> operands{{{n, in}}, {{out, in}}};
      if (bias) operands.push_back({.shape = {out}, .optional = true});
      cases.push_back(
          {.op = "linear",
           .name = std::string(name) + (bias ? "" : ", no bias"),
           .operands = operands,
           .call = [=](auto x) { return bias ? linear(x[0], x[1], x[2]) : linear(x[0], x[1]); },
           .reference =
               [=](auto x) {
                 Array y = product(x[0], false, x[1], true);
                 for (int64_t i = 0; i < n && bias; ++i)
                   for (int64_t j = 0; j < out; ++j) y(i, j) += x[2](j);
                 return y;
               },
           .large = n * in * out > 100000});
    }
  };
  linear_rows("small", 3, 5, 4);
  linear_rows("one sample", 1, 84, 10);
  linear_rows("one of each", 1, 1, 1);
  linear_rows("empty batch", 0, 5, 4);
  linear_rows("odd", 7, 19, 33);
  linear_rows("LeNet-5's first dense layer", 100, 400, 120);
  linear_rows("LeNet-5's last dense layer", 100, 84, 10);
  return cases;
}

// Eq. 1 as it stands. The kernels have tests of their own; this row is for the operation.
std::vector<OpCase> bean_cases() {
  std::vector<OpCase> cases;
  for (const int order : {1, 2})
    for (const Divergence divergence : {Divergence::squared, Divergence::absolute}) {
      const BeanKernel kernel{order, divergence, 1.3, 2.5};
      cases.push_back({.op = "bean_penalty",
                       .name = std::string("order ") + char('0' + order) +
                               (divergence == Divergence::squared ? ", squared" : ", absolute"),
                       .operands = {{{5, 7}, Fill::distinct}, {{4, 7}, Fill::off_zero}},
                       .call = [kernel](auto x) { return bean_penalty(x[0], x[1], kernel); },
                       .reference =
                           [kernel](auto x) {
                             const Array &h = x[0], &w = x[1];
                             const int64_t samples = h.shape[0], n = h.shape[1], m = w.shape[0];
                             Array y{Shape()};
                             for (int64_t s = 0; s < samples; ++s)
                               for (int64_t i = 0; i < n; ++i)
                                 for (int64_t j = 0; j < n; ++j) {
                                   double a = 0;
                                   for (int64_t k = 0; k < m; ++k)
                                     a += std::abs(std::tanh(kernel.gamma * w(k, i))) *
                                          std::abs(std::tanh(kernel.gamma * w(k, j)));
                                   const double d = h(s, i) - h(s, j);
                                   y.values[0] +=
                                       (kernel.order == 1 ? a : a * a) *
                                       (kernel.divergence == Divergence::squared ? d * d
                                                                                 : std::abs(d));
                                 }
                             y.values[0] *= kernel.scale / double(samples * n * n);
                             return y;
                           }});
    }
  return cases;
}

}  // namespace hebb::test
