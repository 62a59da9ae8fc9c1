#include <algorithm>
#include <numeric>

#include "tests/core/ops/broadcast.hpp"

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

Array matrix_of(const Array& x, int64_t i) {
  const int64_t rows = x.shape[-2], columns = x.shape[-1];
  Array y({rows, columns});
  for (int64_t j = 0; j < rows * columns; ++j)
    y.values[size_t(j)] = x.values[size_t(i * rows * columns + j)];
  return y;
}

Shape batch_of(const Shape& shape) {
  return Shape(shape.extents().first(size_t(shape.rank() - 2)));
}

void add_batches(std::vector<OpCase>& cases) {
  // Batches of m by k and k by n.
  const auto rows = [&](const char* name, const Shape& left, const Shape& right, int64_t m,
                        int64_t k, int64_t n) {
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const auto with = [](const Shape& of, int64_t height, int64_t width) {
          return of.inserted(of.rank(), height).inserted(of.rank() + 1, width);
        };
        const Shape batch = broadcast(left, right, "reference");
        cases.push_back(
            {.op = "matmul",
             .name =
                 std::string(name) + (ta ? ", a transposed" : "") + (tb ? ", b transposed" : ""),
             .operands = {{with(left, ta ? k : m, ta ? m : k)},
                          {with(right, tb ? n : k, tb ? k : n)}},
             .call =
                 [=](auto x) { return matmul(x[0], x[1], {.transpose_a = ta, .transpose_b = tb}); },
             .reference =
                 [=](auto x) {
                   Array places_a(batch_of(x[0].shape)), places_b(batch_of(x[1].shape));
                   std::iota(places_a.values.begin(), places_a.values.end(), 0);
                   std::iota(places_b.values.begin(), places_b.values.end(), 0);
                   Array y(with(batch, m, n));
                   for (int64_t i = 0; i < batch.numel(); ++i) {
                     const Array c =
                         product(matrix_of(x[0], int64_t(stretched(places_a, batch, i))), ta,
                                 matrix_of(x[1], int64_t(stretched(places_b, batch, i))), tb);
                     std::copy(c.values.begin(), c.values.end(), y.values.begin() + i * m * n);
                   }
                   return y;
                 },
             .large = batch.numel() * m * k * n > 100000});
      }
  };
  rows("a batch", {4}, {4}, 3, 5, 2);
  rows("a batch and a matrix", {4}, {}, 3, 5, 2);
  rows("a matrix and a batch", {}, {4}, 3, 5, 2);
  rows("batches that stretch", {3, 1}, {2}, 2, 3, 4);
  rows("batches of one", {1, 1}, {1}, 2, 3, 4);
  rows("an empty batch", {0}, {0}, 2, 3, 4);
  rows("an empty batch and one", {0}, {1}, 2, 3, 4);
  rows("batches with nothing to sum", {2}, {2}, 3, 0, 4);
  rows("large, a batch", {37, 2}, {37, 2}, 17, 33, 9);
  rows("large matrices, a batch", {2}, {2}, 70, 65, 71);
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
  add_batches(cases);

  const auto linear_rows = [&](const char* name, int64_t n, int64_t in, int64_t out) {
    for (const auto& [bias, relu] :
         {std::pair(true, false), {false, false}, {true, true}, {false, true}}) {
      std::vector<OperandSpec> operands{{{n, in}}, {{out, in}}};
      if (bias) operands.push_back({.shape = {out}, .optional = true});
      cases.push_back(
          {.op = "linear",
           .name = std::string(name) + (bias ? "" : ", no bias") + (relu ? ", ReLU" : ""),
           .operands = operands,
           .call = [=, with_bias = bias, options = LinearOptions{relu}](
                       auto x) { return linear(x[0], x[1], with_bias ? x[2] : Tensor(), options); },
           .reference =
               [=, with_bias = bias, with_relu = relu](auto x) {
                 Array y = product(x[0], false, x[1], true);
                 for (int64_t i = 0; i < n && with_bias; ++i)
                   for (int64_t j = 0; j < out; ++j) y(i, j) += x[2](j);
                 for (double& value : y.values) value = with_relu ? std::max(value, 0.0) : value;
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
  for (size_t i = 0, n = cases.size(); i < n; ++i)
    if (cases[i].op == "linear" && cases[i].operands[0].shape[0] > 0)
      cases.push_back(replicated(cases[i], 1 + int64_t(i) % 3));
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
      error<ShapeError>("matmul",
                        "expected matrices [M, K] and [K, N], got [7, 2, 3] and [7, 2, 3]",
                        [] {
                          matmul(ones({7, 2, 3}), ones({7, 2, 3}));
                        }),
      error<ShapeError>("matmul", "expected shapes that broadcast, got [2] and [3]",
                        [] {
                          matmul(ones({2, 4, 5}), ones({3, 5, 4}));
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
      error<ShapeError>("linear",
                        "expected x of shape [R, N, 5] to match weight [3, 4, 5], got [2, 5]",
                        [] {
                          linear(ones({2, 5}), ones({3, 4, 5}));
                        }),
      error<ShapeError>("linear",
                        "expected as many replicas in x as in weight [3, 4, 5], got [2, 2, 5]",
                        [] {
                          linear(ones({2, 2, 5}), ones({3, 4, 5}));
                        }),
      error<ShapeError>("linear", "expected bias of shape [3, 4], got [4]",
                        [] {
                          linear(ones({3, 2, 5}), ones({3, 4, 5}), ones({4}));
                        }),
  };
}

}  // namespace

OpFamily matmul_family() { return {matmul_rows(), matmul_errors()}; }

}  // namespace hebb::test
