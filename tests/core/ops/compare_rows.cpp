#include <algorithm>

#include "tests/core/ops/broadcast.hpp"

namespace hebb::test {
namespace {

using Compare = Tensor (*)(const Tensor&, const Tensor&);

// Comparisons of whole numbers, which meet often; nothing flows back, so no gradient is looked at.
void add_comparison(std::vector<OpCase>& cases, const char* op, Compare call, Scalar2 f) {
  const auto row = [&](const char* name, const Shape& left, const Shape& right) {
    cases.push_back({.op = op,
                     .name = name,
                     .operands = {{left, Fill::ties, 0, false}, {right, Fill::ties, 0, false}},
                     .call = [call](auto x) { return call(x[0], x[1]); },
                     .reference = pairwise(f)});
  };
  row("same shape", {3, 35}, {3, 35});
  row("a row", {4, 17}, {17});
  row("a column on the left", {4, 1}, {4, 7});
  row("scalars", {}, {});
  row("empty", {0, 5}, {5});
  if (call != less) return;  // one of them is cut into pieces for all
  row("large", {300, 1003}, {1003});
  cases.back().large = true;
}

// Numbers that meet nowhere: where two are equal, a difference quotient is no gradient.
void add_extreme(std::vector<OpCase>& cases, const char* op, Compare call, Scalar2 f) {
  const auto row = [&](const char* name, const Shape& left, const Shape& right) {
    cases.push_back({.op = op,
                     .name = name,
                     .operands = {{left, Fill::distinct}, {right}},
                     .call = [call](auto x) { return call(x[0], x[1]); },
                     .reference = pairwise(f)});
  };
  row("same shape", {3, 5}, {3, 5});
  row("a row", {4, 7}, {7});
  row("a column on the left", {4, 1}, {4, 7});
  row("a scalar", {3, 17}, {});
  row("empty batch", {0, 5}, {5});
  row("large", {300, 1003}, {300, 1003});
  cases.back().large = true;
}

void add_where(std::vector<OpCase>& cases) {
  const auto row = [&](const char* name, const Shape& condition, const Shape& a, const Shape& b) {
    cases.push_back(
        {.op = "where",
         .name = name,
         .operands = {{condition, Fill::ties, 0, false}, {a}, {b}},
         .call = [](auto x) { return where(x[0], x[1], x[2]); },
         .reference =
             [](std::span<const Array> x) {
               Array y(broadcast(x[0].shape, broadcast(x[1].shape, x[2].shape, ""), ""));
               for (int64_t i = 0; i < y.shape.numel(); ++i)
                 y.values[size_t(i)] =
                     stretched(stretched(x[0], y.shape, i) != 0 ? x[1] : x[2], y.shape, i);
               return y;
             }});
  };
  row("same shape", {3, 5}, {3, 5}, {3, 5});
  row("a row decides", {7}, {4, 7}, {4, 7});
  row("scalars to choose from", {4, 7}, {}, {});
  row("all stretch", {4, 1, 1}, {3, 1}, {5});
  row("empty", {0, 5}, {5}, {1});
  row("large", {300, 1003}, {300, 1003}, {});
  cases.back().large = true;
}

void add_clamp(std::vector<OpCase>& cases) {
  const auto row = [&](const char* name, const Shape& shape, double lowest, double highest) {
    cases.push_back({.op = "clamp",
                     .name = name,
                     .operands = {{shape, Fill::distinct}},
                     .call = [=](auto x) { return clamp(x[0], lowest, highest); },
                     .reference =
                         [=](std::span<const Array> x) {
                           Array y = x[0];
                           for (double& value : y.values)
                             value = std::clamp(value, lowest, highest);
                           return y;
                         }});
  };
  row("both ends", {3, 15}, -0.5037, 0.7013);
  row("one end", {3, 15}, -0.5037, 1e30);
  row("to one number", {5}, 0.25, 0.25);
  row("a scalar", {}, -0.0013, 0.0017);
  row("empty", {0, 4}, 0, 1);
  row("large", {300, 1003}, -0.5037, 0.7013);
  cases.back().large = true;
}

std::vector<OpCase> compare_rows() {
  std::vector<OpCase> cases;
  add_comparison(cases, "equal", equal, [](double a, double b) { return double(a == b); });
  add_comparison(cases, "not_equal", not_equal, [](double a, double b) { return double(a != b); });
  add_comparison(cases, "less", less, [](double a, double b) { return double(a < b); });
  add_comparison(cases, "less_equal", less_equal,
                 [](double a, double b) { return double(a <= b); });
  add_comparison(cases, "greater", greater, [](double a, double b) { return double(a > b); });
  add_comparison(cases, "greater_equal", greater_equal,
                 [](double a, double b) { return double(a >= b); });
  add_extreme(cases, "maximum", maximum, [](double a, double b) { return std::max(a, b); });
  add_extreme(cases, "minimum", minimum, [](double a, double b) { return std::min(a, b); });
  add_where(cases);
  add_clamp(cases);
  return cases;
}

std::vector<ErrorCase> compare_errors() {
  std::vector<ErrorCase> errors;
  const auto pair = [&](const std::string& op, Compare call) {
    errors.push_back(
        error<ShapeError>(op, "expected shapes that broadcast, got [2, 3] and [2]", [=] {
          call(ones({2, 3}), ones({2}));
        }));
    errors.push_back(error<DTypeError>(
        op, "expected b of the same type as a (float32 [2] on cpu), got float64 [2] on cpu",
        [=] { call(ones({2}), Tensor::ones({2}, {DType::float64})); }));
  };
  pair("equal", equal);
  pair("not_equal", not_equal);
  pair("less", less);
  pair("less_equal", less_equal);
  pair("greater", greater);
  pair("greater_equal", greater_equal);
  pair("maximum", maximum);
  pair("minimum", minimum);
  errors.push_back(error<ShapeError>("where", "expected shapes that broadcast, got [3] and [2]",
                                     [] { where(ones({3}), ones({2}), ones({2})); }));
  errors.push_back(error<DTypeError>(
      "where",
      "expected condition of the same type as a (float32 [2] on cpu), got float64 [2] on cpu",
      [] { where(Tensor::ones({2}, {DType::float64}), ones({2}), ones({2})); }));
  add_unary_errors(errors, "clamp", [](const Tensor& x) { return clamp(x, 0, 1); });
  errors.push_back(error<ValueError>("clamp", "expected bounds in their order, got 1 and 0",
                                     [] { clamp(ones({2}), 1, 0); }));
  return errors;
}

}  // namespace

OpFamily compare_family() { return {compare_rows(), compare_errors()}; }

}  // namespace hebb::test
