#include <cmath>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

// Replicas with scales of their own: replica r's is r + 1/2 times the first row's.
std::vector<OpCase> rows_of_scales(const std::vector<OpCase>& rows) {
  std::vector<OpCase> cases;
  for (size_t i = 0; i < 4; ++i) {
    BeanKernel kernel{i < 2 ? 1 : 2, i % 2 ? Divergence::absolute : Divergence::squared, 1.3, 2.5,
                      3};
    const auto scale_of = [](int64_t r) { return 2.5 * (double(r) + 0.5); };
    OpCase row = replicated(rows[i], 3);
    row.name += ", scales";
    row.call = [=](auto x) {
      const Tensor scales =
          Tensor::from(std::vector<double>{scale_of(0), scale_of(1), scale_of(2)}, {3});
      const bool together = x[0].defined() && x[1].defined() && x[0].device() == x[1].device();
      return bean_penalty(x[0], x[1], kernel, together ? scales.to(x[0].device()) : scales);
    };
    row.alone = [=](int64_t r, auto x) mutable {
      kernel.scale = scale_of(r);
      return bean_penalty(x[0], x[1], kernel);
    };
    row.reference = [reference = row.reference](auto x) {
      Array y = reference(x);
      for (size_t r = 0; r < 3; ++r) y.values[r] *= (double(r) + 0.5) / 3;
      return y;
    };
    cases.push_back(row);
  }
  return cases;
}

// Eq. 1 as it stands. The kernels have tests of their own; this row is for the operation.
std::vector<OpCase> bean_rows() {
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
  for (size_t i = 0; i < 4; ++i) cases.push_back(replicated(cases[i], 1 + int64_t(i) % 3));
  const std::vector<OpCase> scaled = rows_of_scales(cases);
  cases.insert(cases.end(), scaled.begin(), scaled.end());
  return cases;
}

std::vector<ErrorCase> bean_errors() {
  return {
      error<ShapeError>("bean_penalty",
                        "expected h of shape [S, 5] to match weight [4, 5], got [2, 3]",
                        [] {
                          bean_penalty(ones({2, 3}), ones({4, 5}));
                        }),
      error<ShapeError>("bean_penalty", "expected weight of shape [M, N], got [5]",
                        [] {
                          bean_penalty(ones({2, 5}), ones({5}));
                        }),
      error<ValueError>("bean_penalty",
                        "expected at least one sample and neuron, got h [0, 5] and "
                        "weight [4, 5]",
                        [] {
                          bean_penalty(ones({0, 5}), ones({4, 5}));
                        }),
      error<ValueError>("bean_penalty", "expected order 1 or 2, got 3",
                        [] {
                          bean_penalty(ones({2, 5}), ones({4, 5}), {.order = 3});
                        }),
      error<ValueError>("bean_penalty", "expected gamma over 0, got -1",
                        [] {
                          bean_penalty(ones({2, 5}), ones({4, 5}), {.gamma = -1});
                        }),
      error<ShapeError>("bean_penalty",
                        "expected h of shape [R, S, 5] to match weight [3, 4, 5], got [2, 5]",
                        [] {
                          bean_penalty(ones({2, 5}), ones({3, 4, 5}));
                        }),
      error<ShapeError>("bean_penalty",
                        "expected as many replicas in h as in weight [3, 4, 5], got [2, 2, 5]",
                        [] {
                          bean_penalty(ones({2, 2, 5}), ones({3, 4, 5}));
                        }),
      error<ShapeError>("bean_penalty", "expected scales for replicas alone, got [1]",
                        [] {
                          bean_penalty(ones({2, 5}), ones({4, 5}), {},
                                       Tensor::ones({1}, {.dtype = DType::float64}));
                        }),
      error<ShapeError>("bean_penalty", "expected scales of shape [3], got [2]",
                        [] {
                          bean_penalty(ones({3, 2, 5}), ones({3, 4, 5}), {},
                                       Tensor::ones({2}, {.dtype = DType::float64}));
                        }),
      error<DTypeError>("bean_penalty", "expected scales of float64, got float32 [3] on cpu",
                        [] {
                          bean_penalty(ones({3, 2, 5}), ones({3, 4, 5}), {}, ones({3}));
                        }),
  };
}

}  // namespace

OpFamily bean_family() { return {bean_rows(), bean_errors()}; }

}  // namespace hebb::test
