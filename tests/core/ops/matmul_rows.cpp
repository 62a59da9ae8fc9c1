#include "tests/core/ops/table.hpp"

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

std::vector<OpCase> matmul_rows() {
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

std::vector<ErrorCase> matmul_errors() {
  return {
      error<ShapeError>("matmul", "expected matrices [M, K] and [K, N], got [2, 3] and [2, 3]",
                        [] {
                          matmul(ones({2, 3}), ones({2, 3}));
                        }),
      error<ShapeError>("matmul",
                        "expected matrices [M, K] and [K, N], got [2, 3] transposed and [4, 3]",
                        [] {
                          matmul(ones({2, 3}), ones({4, 3}), {.transpose_a = true});
                        }),
      error<ShapeError>("matmul", "expected matrices [M, K] and [K, N], got [2, 3] and [3]",
                        [] {
                          matmul(ones({2, 3}), ones({3}));
                        }),
      error<ShapeError>("linear", "expected x of shape [N, 5] to match weight [4, 5], got [2, 3]",
                        [] {
                          linear(ones({2, 3}), ones({4, 5}));
                        }),
      error<ShapeError>("linear", "expected x of shape [N, 5] to match weight [4, 5], got [5]",
                        [] {
                          linear(ones({5}), ones({4, 5}));
                        }),
      error<ShapeError>("linear", "expected weight of shape [out, in], got [5]",
                        [] {
                          linear(ones({2, 5}), ones({5}));
                        }),
      error<ShapeError>("linear", "expected bias of shape [4], got [5]",
                        [] {
                          linear(ones({2, 5}), ones({4, 5}), ones({5}));
                        }),
  };
}

}  // namespace

OpFamily matmul_family() { return {matmul_rows(), matmul_errors()}; }

}  // namespace hebb::test
