#include <algorithm>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

// Copies x into y from `begin` on along `axis`.
void paste(Array& y, const Array& x, int axis, int64_t begin) {
  const int64_t outer = x.shape.product(0, axis), n = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < n; ++j)
      for (int64_t k = 0; k < inner; ++k)
        y.values[size_t((i * y.shape[axis] + begin + j) * inner + k)] =
            x.values[size_t((i * n + j) * inner + k)];
}

Array cut(const Array& x, int axis, int64_t begin, int64_t length) {
  Array y(x.shape.with(axis, length));
  const int64_t outer = x.shape.product(0, axis), n = x.shape[axis];
  const int64_t inner = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t j = 0; j < length; ++j)
      for (int64_t k = 0; k < inner; ++k)
        y.values[size_t((i * length + j) * inner + k)] =
            x.values[size_t((i * n + begin + j) * inner + k)];
  return y;
}

// Element by element, by the indices of y.
Array permuted(const Array& x, const std::vector<int>& axes) {
  const int rank = x.shape.rank();
  std::vector<int64_t> extents, steps;
  for (const int axis : axes) {
    const int a = axis < 0 ? axis + rank : axis;
    extents.push_back(x.shape[a]);
    steps.push_back(x.shape.product(a + 1, rank));
  }
  Array y{Shape(std::span<const int64_t>(extents))};
  for (int64_t i = 0; i < y.shape.numel(); ++i) {
    int64_t rest = i, at = 0;
    for (int axis = rank - 1; axis >= 0; --axis) {
      at += rest % extents[size_t(axis)] * steps[size_t(axis)];
      rest /= extents[size_t(axis)];
    }
    y.values[size_t(i)] = x.values[size_t(at)];
  }
  return y;
}

void add_gather(std::vector<OpCase>& cases) {
  const auto select = [&](const char* name, const Shape& shape, int axis, int64_t count) {
    cases.push_back({.op = "index_select",
                     .name = name,
                     .operands = {{shape}, {{count}, Fill::integers, shape[axis]}},
                     .call = [=](auto x) { return index_select(x[0], axis, x[1]); },
                     .reference =
                         [=](auto x) {
                           const int a = axis < 0 ? axis + shape.rank() : axis;
                           Array y(shape.with(a, count));
                           for (int64_t i = 0; i < count; ++i)
                             paste(y, cut(x[0], a, int64_t(x[1](i)), 1), a, i);
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  select("rows", {4, 3}, 0, 9);
  select("columns", {3, 5}, 1, 4);
  select("channels", {2, 5, 3, 4}, -3, 7);
  select("nothing", {4, 3}, 1, 0);
  select("large", {41, 30, 50}, 1, 60);

  const auto elements = [&](const char* name, const Shape& shape, int axis, const Shape& indices) {
    cases.push_back({.op = "gather",
                     .name = name,
                     .operands = {{shape}, {indices, Fill::integers, shape[axis]}},
                     .call = [=](auto x) { return gather(x[0], axis, x[1]); },
                     .reference =
                         [=](auto x) {
                           const int rank = shape.rank(), a = axis < 0 ? axis + rank : axis;
                           Array y(indices);
                           for (int64_t i = 0; i < indices.numel(); ++i) {
                             int64_t rest = i, from = 0;
                             for (int k = rank - 1; k >= 0; --k) {
                               const int64_t index =
                                   k == a ? int64_t(x[1].values[size_t(i)]) : rest % indices[k];
                               from += index * shape.product(k + 1, rank);
                               rest /= indices[k];
                             }
                             y.values[size_t(i)] = x[0].values[size_t(from)];
                           }
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  elements("along rows", {4, 3}, 0, {6, 3});
  elements("along columns", {3, 5}, -1, {3, 2});
  elements("one of each row", {5, 7}, 1, {5, 1});
  elements("of a part", {4, 5, 6}, 1, {2, 9, 4});
  elements("of a vector", {6}, 0, {8});
  elements("nothing", {3, 4}, 1, {3, 0});
  elements("large, the last axis", {301, 90}, 1, {301, 50});
  elements("large, the first axis", {90, 301}, 0, {50, 301});
}

void add_pad(std::vector<OpCase>& cases) {
  const auto row = [&](const char* name, const Shape& shape, const std::vector<int64_t>& padding,
                       double value = 0) {
    cases.push_back({.op = "pad",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return pad(x[0], padding, value); },
                     .reference =
                         [=](auto x) {
                           Array y = x[0];
                           for (size_t i = 0; i < padding.size(); i += 2) {
                             const int axis = shape.rank() - 1 - int(i / 2);
                             const int64_t before = padding[i], after = padding[i + 1];
                             Array wide(y.shape.with(axis, before + y.shape[axis] + after));
                             std::fill(wide.values.begin(), wide.values.end(), value);
                             paste(wide, y, axis, before);
                             y = wide;
                           }
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  row("a vector", {5}, {1, 2});
  row("images, each side its own", {2, 3, 4, 5}, {1, 0, 2, 3}, -1.5);
  row("rows alone", {3, 4}, {0, 0, 1, 0}, 2);
  row("every axis", {1, 2, 3}, {1, 1, 0, 2, 1, 0}, 0.25);
  row("nothing", {2, 3}, {0, 0});
  row("no axis", {2, 3}, {});
  row("an empty batch", {0, 3}, {1, 1});
  row("an empty tensor grows", {2, 0}, {1, 1}, 3);
  row("large", {37, 6, 28, 28}, {1, 2, 0, 1}, 1);
}

void add_permute(std::vector<OpCase>& cases) {
  const auto row = [&](const char* name, const Shape& shape, const std::vector<int>& axes) {
    cases.push_back({.op = "permute",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return permute(x[0], axes); },
                     .reference = [=](auto x) { return permuted(x[0], axes); },
                     .large = shape.numel() > 5000});
  };
  row("a matrix", {3, 5}, {1, 0});
  row("a matrix of many tiles", {131, 70}, {-1, -2});
  row("channels last", {2, 3, 4, 5}, {0, 2, 3, 1});
  row("rows that stay together", {2, 3, 4, 5}, {1, 0, 2, 3});
  row("all turned round", {2, 3, 4, 5}, {3, 2, 1, 0});
  row("the last axis goes into the middle", {3, 17, 4, 9}, {2, 3, 0, 1});
  row("axes of one element", {1, 4, 1, 6}, {3, 0, 2, 1});
  row("as it was", {3, 4}, {0, 1});
  row("a scalar", {}, {});
  row("one element", {1, 1}, {1, 0});
  row("empty", {0, 4, 3}, {2, 0, 1});
  row("eight axes", {2, 1, 3, 2, 1, 2, 3, 2}, {7, 3, 1, 0, 4, 6, 5, 2});
  row("large", {37, 65, 131}, {0, 2, 1});
  row("large, rows", {301, 7, 130}, {1, 0, 2});
  row("large, far apart", {70, 3, 9, 101}, {3, 1, 2, 0});

  const auto swap = [&](const char* name, const Shape& shape, int axis0, int axis1,
                        const std::vector<int>& axes) {
    cases.push_back({.op = "transpose",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return transpose(x[0], axis0, axis1); },
                     .reference = [=](auto x) { return permuted(x[0], axes); },
                     .large = shape.numel() > 10000});
  };
  swap("a matrix", {3, 5}, 0, 1, {1, 0});
  swap("the first and the last of four", {2, 3, 4, 5}, 0, -1, {3, 1, 2, 0});
  swap("an axis with itself", {2, 3}, 1, -1, {0, 1});
  swap("empty", {0, 4}, 0, 1, {1, 0});
  swap("large", {300, 1003}, 0, 1, {1, 0});
}

std::vector<OpCase> layout_rows() {
  std::vector<OpCase> cases;
  const auto concat_row = [&](const char* name, std::vector<Shape> shapes, int axis) {
    std::vector<OperandSpec> operands;
    int64_t total = 0;
    for (const Shape& shape : shapes) {
      operands.push_back({shape});
      total += shape[axis];
    }
    cases.push_back({.op = "concat",
                     .name = name,
                     .operands = operands,
                     .call = [=](auto x) { return concat(x, axis); },
                     .reference =
                         [=](auto x) {
                           const int a = axis < 0 ? axis + x[0].shape.rank() : axis;
                           Array y(x[0].shape.with(a, total));
                           int64_t begin = 0;
                           for (const Array& part : x) {
                             paste(y, part, a, begin);
                             begin += part.shape[a];
                           }
                           return y;
                         },
                     .large = total >= 200});
  };
  concat_row("rows", {{2, 5}, {3, 5}}, 0);
  concat_row("columns", {{4, 2}, {4, 1}, {4, 3}}, 1);
  concat_row("a middle axis", {{2, 3, 4}, {2, 1, 4}}, -2);
  concat_row("one part", {{3, 4}}, 1);
  concat_row("an empty part", {{2, 3}, {0, 3}, {1, 3}}, 0);
  concat_row("more parts than gradients have places", {{1}, {2}, {3}, {1}, {2}}, 0);
  concat_row("large", {{41, 7, 50}, {41, 100, 50}, {41, 93, 50}}, 1);

  const auto narrow_row = [&](const char* name, const Shape& shape, int axis, int64_t begin,
                              int64_t length) {
    cases.push_back({.op = "narrow",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return narrow(x[0], axis, begin, length); },
                     .reference =
                         [=](auto x) {
                           return cut(x[0], axis < 0 ? axis + shape.rank() : axis, begin, length);
                         },
                     .large = shape.numel() > 10000});
  };
  narrow_row("rows", {5, 3}, 0, 1, 3);
  narrow_row("columns", {5, 7}, 1, 2, 4);
  narrow_row("the last element", {2, 3, 4}, -1, 3, 1);
  narrow_row("all of a middle axis", {2, 3, 4}, 1, 0, 3);
  narrow_row("nothing", {2, 3}, 1, 1, 0);
  narrow_row("empty batch", {0, 6}, 1, 2, 3);
  narrow_row("large", {300, 1003}, 1, 13, 900);

  add_gather(cases);
  const auto gather_row = [&](const char* name, const Shape& shape, int64_t count) {
    cases.push_back({.op = "gather_rows",
                     .name = name,
                     .operands = {{shape}, {{count}, Fill::integers, shape[0]}},
                     .call = [](auto x) { return gather_rows(x[0], x[1]); },
                     .reference =
                         [=](auto x) {
                           Array y(shape.with(0, count));
                           for (int64_t i = 0; i < count; ++i)
                             paste(y, cut(x[0], 0, int64_t(x[1](i)), 1), 0, i);
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  gather_row("rows, some twice", {4, 3}, 9);
  gather_row("images", {5, 2, 3, 4}, 3);
  gather_row("a vector", {6}, 4);
  gather_row("nothing", {4, 3}, 0);
  gather_row("large", {301, 503}, 701);

  add_pad(cases);
  add_permute(cases);
  cases.push_back({.op = "reshape",
                   .name = "to a matrix",
                   .operands = {{{2, 3, 4}}},
                   .call =
                       [](auto x) {
                         return x[0].reshape({-1, 4});
                       },
                   .reference =
                       [](auto x) {
                         Array y({6, 4});
                         y.values = x[0].values;
                         return y;
                       },
                   .checked = false});
  cases.push_back({.op = "slice",
                   .name = "rows",
                   .operands = {{{6, 2, 3}}},
                   .call = [](auto x) { return x[0].slice(1, 4); },
                   .reference = [](auto x) { return cut(x[0], 0, 1, 3); },
                   .checked = false});
  return cases;
}

std::vector<ErrorCase> layout_errors() {
  const auto parts = [](std::vector<Shape> shapes, int axis) {
    return [=] {
      std::vector<Tensor> tensors;
      for (const Shape& shape : shapes) tensors.push_back(ones(shape));
      concat(tensors, axis);
    };
  };
  return {
      error<ValueError>("concat", "expected at least one tensor, got none", parts({}, 0)),
      error<ShapeError>("concat", "expected parts like [2, 3] in all axes but 0, got [2, 4]",
                        parts({{2, 3}, {2, 4}}, 0)),
      error<ShapeError>("concat", "expected parts like [2, 3] in all axes but 1, got [2]",
                        parts({{2, 3}, {2}}, 1)),
      error<ShapeError>("concat", "expected an axis in [-2, 2) for shape [2, 3], got 2",
                        parts({{2, 3}}, 2)),
      error<ShapeError>("narrow",
                        "expected a range inside [0, 3) of axis 1, got begin 2 and "
                        "length 2",
                        [] {
                          narrow(ones({2, 3}), -1, 2, 2);
                        }),
      error<ShapeError>("narrow",
                        "expected a range inside [0, 2) of axis 0, got begin -1 and "
                        "length 1",
                        [] {
                          narrow(ones({2, 3}), 0, -1, 1);
                        }),
      error<ShapeError>("narrow",
                        "expected a range inside [0, 2) of axis 0, got begin 1 and "
                        "length 9223372036854775807",
                        [] {
                          narrow(ones({2, 3}), 0, 1, INT64_MAX);
                        }),
      error<ValueError>("pad", "expected two numbers for each of at most 2 axes, got 3",
                        [] {
                          pad(ones({2, 3}), {1, 1, 1});
                        }),
      error<ValueError>("pad", "expected two numbers for each of at most 1 axes, got 4",
                        [] {
                          pad(ones({3}), {1, 1, 1, 1});
                        }),
      error<ValueError>("pad", "expected at least 0, got -1",
                        [] {
                          pad(ones({2, 3}), {0, -1});
                        }),
      error<ShapeError>("permute", "expected 2 axes for shape [2, 3], got 1",
                        [] {
                          permute(ones({2, 3}), {0});
                        }),
      error<ShapeError>("permute", "expected each axis once, got axis -1 twice",
                        [] {
                          permute(ones({2, 3}), {1, -1});
                        }),
      error<ShapeError>("permute", "expected an axis in [-2, 2) for shape [2, 3], got 2",
                        [] {
                          permute(ones({2, 3}), {0, 2});
                        }),
      error<ShapeError>("transpose", "expected an axis in [-1, 1) for shape [3], got 1",
                        [] { transpose(ones({3}), 0, 1); }),
      error<ShapeError>("gather_rows", "expected x of shape [R, ...], got []",
                        [] { gather_rows(ones({}), labels({0})); }),
      error<DTypeError>("gather_rows", "expected indices of int64, got float32 [1] on cpu",
                        [] {
                          gather_rows(ones({2, 3}), ones({1}));
                        }),
      error<ValueError>("gather_rows", "expected indices in [-2, 2), got 2 at 1",
                        [] {
                          gather_rows(ones({2, 3}), labels({1, 2}));
                        }),
      error<ShapeError>("index_select", "expected an axis in [-2, 2) for shape [2, 3], got 2",
                        [] {
                          index_select(ones({2, 3}), 2, labels({0}));
                        }),
      error<ShapeError>("index_select", "expected indices of shape [N], got [1, 1]",
                        [] {
                          index_select(ones({2, 3}), 1, labels({0}).reshape({1, 1}));
                        }),
      error<ShapeError>("gather",
                        "expected indices of at most shape [2, 3] in all axes but 1, got [3, 1]",
                        [] {
                          gather(ones({2, 3}), 1, labels({0, 0, 0}).reshape({3, 1}));
                        }),
      error<ShapeError>("gather",
                        "expected indices of at most shape [2, 3] in all axes but 0, got [1]",
                        [] {
                          gather(ones({2, 3}), 0, labels({0}));
                        }),
      error<DTypeError>("gather", "expected indices of int64, got float32 [2, 3] on cpu",
                        [] {
                          gather(ones({2, 3}), 0, ones({2, 3}));
                        }),
      error<ValueError>("gather", "expected indices in [-3, 3), got -4 at 1",
                        [] {
                          gather(ones({2, 3}), 1, labels({-3, -4}).reshape({2, 1}));
                        }),
      error<ShapeError>("reshape", "expected a shape of 6 elements, got [4, 2]",
                        [] {
                          ones({2, 3}).reshape({4, 2});
                        }),
      error<ShapeError>("slice", "expected 0 <= begin <= end <= 2, got [1, 3)",
                        [] {
                          ones({2, 3}).slice(1, 3);
                        }),
  };
}

}  // namespace

OpFamily layout_family() { return {layout_rows(), layout_errors()}; }

}  // namespace hebb::test
