#include <algorithm>
#include <cmath>
#include <numeric>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

using Axes = std::vector<int>;  // empty: all

bool reduced(const Axes& axes, int axis, int rank) {
  if (axes.empty()) return true;
  for (const int a : axes)
    if ((a < 0 ? a + rank : a) == axis) return true;
  return false;
}

Shape reduced_shape(const Shape& shape, const Axes& axes, bool keep) {
  std::vector<int64_t> extents;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!reduced(axes, axis, shape.rank()))
      extents.push_back(shape[axis]);
    else if (keep)
      extents.push_back(1);
  }
  return Shape(std::span<const int64_t>(extents));
}

// Where element i of x arrives.
int64_t target(const Shape& shape, const Axes& axes, int64_t i) {
  int64_t result = 0, step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (!reduced(axes, axis, shape.rank())) {
      result += i % shape[axis] * step;
      step *= shape[axis];
    }
    i /= shape[axis];
  }
  return result;
}

auto reference(double (*f)(double), const Axes& axes, bool keep, bool divide) {
  return [=](std::span<const Array> x) {
    const Shape& shape = x[0].shape;
    Array y(reduced_shape(shape, axes, keep));
    for (int64_t i = 0; i < shape.numel(); ++i)
      y.values[size_t(target(shape, axes, i))] += f(x[0].values[size_t(i)]);
    if (divide)
      for (double& value : y.values) value /= double(shape.numel()) / double(y.shape.numel());
    return y;
  };
}

// The first (or last) of the largest along an axis: its value, or where it stands.
auto largest(int axis, bool keep, bool position, bool last = false) {
  return [=](std::span<const Array> x) {
    const Shape& shape = x[0].shape;
    const int a = axis < 0 ? axis + shape.rank() : axis;
    const int64_t before = shape.product(0, a), n = shape[a];
    const int64_t after = shape.product(a + 1, shape.rank());
    Array y(reduced_shape(shape, {a}, keep));
    for (int64_t i = 0; i < before; ++i)
      for (int64_t k = 0; k < after; ++k) {
        int64_t best = 0;
        const auto at = [&](int64_t j) { return x[0].values[size_t((i * n + j) * after + k)]; };
        for (int64_t j = 1; j < n; ++j)
          if (at(j) > at(best) || (last && at(j) == at(best))) best = j;
        y.values[size_t(i * after + k)] = position ? double(best) : at(best);
      }
    return y;
  };
}

void add_sums(std::vector<OpCase>& cases, const Shape& shape, const Axes& axes, const char* name,
              bool large = false) {
  for (const bool keep : {false, true}) {
    const std::string full_name = std::string(name) + (keep ? ", axes kept" : "");
    cases.push_back({.op = "sum",
                     .name = full_name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return sum(x[0], axes, {.keep_axes = keep}); },
                     .reference = reference([](double v) { return v; }, axes, keep, false),
                     .large = large});
    if (shape.numel() == 0) continue;
    cases.push_back({.op = "mean",
                     .name = full_name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return mean(x[0], axes, {.keep_axes = keep}); },
                     .reference = reference([](double v) { return v; }, axes, keep, true),
                     .large = large});
  }
}

std::vector<OpCase> reduce_rows() {
  std::vector<OpCase> cases;
  add_sums(cases, {3, 5}, {}, "all of a matrix");
  add_sums(cases, {3, 5}, {0}, "columns");
  add_sums(cases, {3, 5}, {1}, "rows");
  add_sums(cases, {2, 3, 4, 5}, {-1}, "last of four");
  add_sums(cases, {2, 3, 4, 5}, {0, 2, 3}, "for each channel");
  add_sums(cases, {2, 3, 4, 5}, {3, 1}, "two apart, in any order");
  add_sums(cases, {2, 3, 4, 5}, {2, 3}, "planes");
  add_sums(cases, {1, 1}, {0}, "one element");
  add_sums(cases, {}, {}, "a scalar");
  add_sums(cases, {0, 4}, {0}, "empty batch");
  add_sums(cases, {0, 4}, {1}, "rows of an empty batch");
  add_sums(cases, {401, 1003}, {}, "large, all", true);
  add_sums(cases, {401, 1003}, {0}, "large, columns", true);
  add_sums(cases, {401, 1003}, {1}, "large, rows", true);
  add_sums(cases, {50, 6, 40, 41}, {0, 2, 3}, "large, for each channel", true);

  const auto scalar_row = [&](const char* op, Tensor (*call)(const Tensor&, std::span<const int>),
                              double (*f)(double), const char* name, const Shape& shape) {
    cases.push_back({.op = op,
                     .name = name,
                     .operands = {{shape, Fill::off_zero}},
                     .call = [call](auto x) { return call(x[0], {}); },
                     .reference = reference(f, {}, false, false),
                     .large = shape.numel() > 10000});
    if (shape.numel() == 0 || shape.rank() == 0) return;
    const OpCase all = cases.back();
    for (const int64_t replicas : {1, 3}) {
      cases.push_back(replicated(all, replicas));
      std::vector<int> own(size_t(shape.rank()));
      std::iota(own.begin(), own.end(), 1);
      cases.back().call = [call, own](auto x) { return call(x[0], own); };
    }
  };
  const auto both = [&](const char* name, const Shape& shape) {
    scalar_row(
        "sum_abs", sum_abs, [](double x) { return std::abs(x); }, name, shape);
    scalar_row(
        "sum_square", sum_square, [](double x) { return x * x; }, name, shape);
  };
  both("a matrix", {3, 7});
  both("a scalar", {});
  both("empty", {0, 3});
  both("large", {401, 1003});

  const auto max_rows = [&](const char* name, const Shape& shape, int axis,
                            Fill fill = Fill::distinct) {
    const bool large = shape.numel() > 10000;
    for (const bool keep : {false, true})
      cases.push_back({.op = "max",
                       .name = std::string(name) + (keep ? ", axis kept" : ""),
                       .operands = {{shape, fill, 0, fill == Fill::distinct}},
                       .call = [=](auto x) { return max(x[0], axis, {.keep_axes = keep}); },
                       .reference = largest(axis, keep, false),
                       .large = large});
    cases.push_back({.op = "argmax",
                     .name = name,
                     .operands = {{shape, fill, 0, false}},
                     .call = [=](auto x) { return argmax(x[0], axis); },
                     .reference = largest(axis, false, true),
                     .large = large});
    cases.push_back(
        {.op = "argmax",
         .name = std::string(name) + ", the last of equals, axis kept",
         .operands = {{shape, fill, 0, false}},
         .call = [=](auto x) { return argmax(x[0], axis, {.keep_axes = true, .last = true}); },
         .reference = largest(axis, true, true, true),
         .large = large});
  };
  max_rows("of rows", {4, 10}, 1);
  max_rows("of columns", {4, 10}, 0);
  max_rows("of a middle axis", {2, 5, 3}, -2);
  max_rows("one element", {3, 1}, 1);
  max_rows("empty batch", {0, 4}, 1);
  max_rows("the first of equals", {6, 40}, 1, Fill::ties);
  max_rows("the first of equals in columns", {40, 6}, 0, Fill::ties);
  max_rows("large, rows", {5003, 37}, 1);
  max_rows("large, columns", {37, 5003}, 0);

  const auto max_axes_rows = [&](const char* name, const Shape& shape, const Axes& axes) {
    for (const bool keep : {false, true})
      cases.push_back({.op = "max",
                       .name = std::string(name) + (keep ? ", axes kept" : ""),
                       .operands = {{shape, Fill::distinct}},
                       .call = [=](auto x) { return max(x[0], axes, {.keep_axes = keep}); },
                       .reference =
                           [=](auto x) {
                             Array y(reduced_shape(shape, axes, keep));
                             std::fill(y.values.begin(), y.values.end(), -HUGE_VAL);
                             for (int64_t i = 0; i < shape.numel(); ++i) {
                               double& best = y.values[size_t(target(shape, axes, i))];
                               best = std::max(best, x[0].values[size_t(i)]);
                             }
                             return y;
                           },
                       .large = shape.numel() > 10000});
  };
  max_axes_rows("of all", {3, 5}, {});
  max_axes_rows("of planes", {2, 3, 4, 5}, {2, -1});
  max_axes_rows("of each channel", {2, 3, 4, 5}, {0, 2, 3});
  max_axes_rows("of two axes apart, in any order", {2, 3, 4, 5}, {3, 1});
  max_axes_rows("of one axis in a list", {2, 3, 4}, {1});
  max_axes_rows("of a scalar", {}, {});
  max_axes_rows("of planes of an empty batch", {0, 3, 4}, {1, 2});
  max_axes_rows("large, of each channel", {17, 6, 20, 21}, {0, 2, 3});

  const auto count_row = [&](const char* name, const Shape& shape) {
    cases.push_back({.op = "count_equal",
                     .name = name,
                     .operands = {{shape, Fill::integers, 4}, {shape, Fill::integers, 4}},
                     .call = [](auto x) { return count_equal(x[0], x[1]); },
                     .reference =
                         [](auto x) {
                           Array y{Shape()};
                           for (size_t i = 0; i < x[0].values.size(); ++i)
                             y.values[0] += x[0].values[i] == x[1].values[i];
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  count_row("labels", {100});
  count_row("a matrix", {7, 9});
  count_row("none", {0});
  count_row("large", {300007});

  // Each element of x is a term, of three types in turn, and every fifth is left out.
  const auto accumulate_row = [&](const char* name, int64_t n) {
    cases.push_back({.op = "accumulate",
                     .name = name,
                     .operands = {{{n}, Fill::ties, 0, false}},
                     .call =
                         [](auto x) {
                           const Tensor sums = x[0].to(DType::float64).clone();
                           const DType types[] = {DType::float32, DType::float64, DType::int64};
                           std::vector<Weighted> terms;
                           for (int64_t i = 0; i < x[0].numel(); ++i)
                             terms.push_back(
                                 {i % 5 == 4 ? Tensor() : x[0].slice(i, i + 1).to(types[i % 3]),
                                  0.5 + double(i)});
                           accumulate(sums, terms);
                           return sums.to(x[0].dtype());
                         },
                     .reference =
                         [](auto x) {
                           Array y = x[0];
                           for (size_t i = 0; i < y.values.size(); ++i)
                             if (i % 5 != 4) y.values[i] *= 1.5 + double(i);
                           return y;
                         },
                     .checked = false});
  };
  accumulate_row("three types", 7);
  accumulate_row("more than a launch takes", 70);
  accumulate_row("nothing", 0);
  return cases;
}

std::vector<ErrorCase> reduce_errors() {
  const Tensor wide = Tensor::ones({1}, {DType::float64});
  std::vector<ErrorCase> errors{
      error<ShapeError>("sum", "expected an axis in [-2, 2) for shape [2, 3], got 2",
                        [] {
                          sum(ones({2, 3}), {2});
                        }),
      error<ShapeError>("sum", "expected each axis once, got axis -1 twice",
                        [] {
                          sum(ones({2, 3}), {1, -1});
                        }),
      error<ShapeError>("mean", "expected an axis in [-2, 2) for shape [2, 3], got -3",
                        [] {
                          mean(ones({2, 3}), {-3});
                        }),
      error<ShapeError>("max", "expected an axis in [0, 0) for shape [], got 0",
                        [] { max(ones({}), 0); }),
      error<ShapeError>("max", "expected elements along axis 1, got [3, 0]",
                        [] {
                          max(ones({3, 0}), -1);
                        }),
      error<ShapeError>("max", "expected elements along axis 1, got [3, 0, 2]",
                        [] {
                          max(ones({3, 0, 2}), {2, 1});
                        }),
      error<ShapeError>("max", "expected each axis once, got axis -1 twice",
                        [] {
                          max(ones({2, 3}), {1, -1});
                        }),
      error<ShapeError>("argmax", "expected elements along axis 0, got [0, 3]",
                        [] {
                          argmax(ones({0, 3}), 0);
                        }),
      error<ShapeError>("count_equal", "expected b of shape [2], got [3]",
                        [] {
                          count_equal(labels({1, 2}), labels({1, 2, 3}));
                        }),
      error<DTypeError>("count_equal", "expected a of int64, got float32 [2] on cpu",
                        [] {
                          count_equal(ones({2}), labels({1, 2}));
                        }),
      error<DTypeError>("accumulate", "expected sums of float64, got float32 [1] on cpu",
                        [=] { accumulate(ones({1}), {}); }),
      error<ShapeError>("accumulate", "expected sums of shape [2], got [1]",
                        [=] { accumulate(wide, std::vector<Weighted>(2)); }),
      error<ShapeError>("accumulate", "expected terms of one element, got float32 [3] on cpu",
                        [=] { accumulate(wide, std::vector<Weighted>{{ones({3})}}); }),
      error<DTypeError>("accumulate",
                        "expected terms of float32, float64 or int64, got uint8 [1] on cpu",
                        [=] { accumulate(wide, std::vector<Weighted>{{wide.to(DType::uint8)}}); }),
  };
  add_unary_errors(errors, "sum_abs", [](const Tensor& x) { return sum_abs(x); });
  add_unary_errors(errors, "sum_square", [](const Tensor& x) { return sum_square(x); });
  return errors;
}

}  // namespace

OpFamily reduce_family() { return {reduce_rows(), reduce_errors()}; }

}  // namespace hebb::test
