#include <limits>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

Array pooled(const Array& x, const Pool2dOptions& o, bool largest) {
  const int64_t height = x.shape[2], width = x.shape[3];
  const int64_t out_h = (height + 2 * o.pad_h - o.kernel_h) / o.stride_h + 1;
  const int64_t out_w = (width + 2 * o.pad_w - o.kernel_w) / o.stride_w + 1;
  Array y({x.shape[0], x.shape[1], out_h, out_w});
  for (int64_t n = 0; n < x.shape[0]; ++n)
    for (int64_t c = 0; c < x.shape[1]; ++c)
      for (int64_t i = 0; i < out_h; ++i)
        for (int64_t j = 0; j < out_w; ++j) {
          double best = -std::numeric_limits<double>::infinity(), sum = 0;
          for (int64_t a = 0; a < o.kernel_h; ++a)
            for (int64_t b = 0; b < o.kernel_w; ++b) {
              const int64_t row = i * o.stride_h - o.pad_h + a;
              const int64_t column = j * o.stride_w - o.pad_w + b;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              best = std::max(best, x(n, c, row, column));
              sum += x(n, c, row, column);
            }
          y(n, c, i, j) = largest ? best : sum / double(o.kernel_h * o.kernel_w);
        }
  return y;
}

std::vector<OpCase> pool2d_rows() {
  std::vector<OpCase> cases;
  const auto rows = [&](const char* name, const Shape& shape, const Pool2dOptions& options) {
    const bool large = shape.numel() > 10000;
    cases.push_back({.op = "max_pool2d",
                     .name = name,
                     .operands = {{shape, Fill::distinct}},
                     .call = [=](auto x) { return max_pool2d(x[0], options); },
                     .reference = [=](auto x) { return pooled(x[0], options, true); },
                     .large = large});
    cases.push_back({.op = "avg_pool2d",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return avg_pool2d(x[0], options); },
                     .reference = [=](auto x) { return pooled(x[0], options, false); },
                     .large = large});
  };
  rows("2x2", {2, 3, 6, 8}, {});
  rows("2x2 of odd extents", {2, 3, 7, 5}, {});
  rows("3x2 with stride 2x1", {2, 2, 7, 6},
       {.kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 1});
  rows("overlapping, with padding", {2, 3, 8, 7},
       {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1});
  rows("padding of columns alone", {1, 2, 4, 5},
       {.kernel_h = 2, .kernel_w = 4, .stride_h = 2, .stride_w = 3, .pad_w = 2});
  rows("stride over the kernel", {1, 2, 9, 10},
       {.kernel_h = 2, .kernel_w = 2, .stride_h = 4, .stride_w = 3});
  rows("one window", {3, 2, 3, 4}, {.kernel_h = 3, .kernel_w = 4});
  rows("one pixel", {2, 1, 1, 1}, {.kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1});
  rows("empty batch", {0, 3, 4, 6}, {});
  rows("large", {37, 6, 28, 28}, {});
  rows("large, overlapping, with padding", {9, 16, 31, 33},
       {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1});
  cases.push_back({.op = "max_pool2d",
                   .name = "ties",
                   .operands = {{{2, 2, 6, 6}, Fill::ties, 0, false}},
                   .call = [](auto x) { return max_pool2d(x[0]); },
                   .reference = [](auto x) { return pooled(x[0], {}, true); }});

  const auto global = [&](const char* name, const Shape& shape) {
    cases.push_back({.op = "global_avg_pool2d",
                     .name = name,
                     .operands = {{shape}},
                     .call = [](auto x) { return global_avg_pool2d(x[0]); },
                     .reference =
                         [](auto x) {
                           const Array& in = x[0];
                           Array y({in.shape[0], in.shape[1]});
                           for (int64_t n = 0; n < in.shape[0]; ++n)
                             for (int64_t c = 0; c < in.shape[1]; ++c)
                               for (int64_t i = 0; i < in.shape[2]; ++i)
                                 for (int64_t j = 0; j < in.shape[3]; ++j)
                                   y(n, c) += in(n, c, i, j) / double(in.shape[2] * in.shape[3]);
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  global("planes", {2, 3, 4, 5});
  global("one pixel", {2, 3, 1, 1});
  global("empty batch", {0, 3, 4, 5});
  global("large", {31, 64, 8, 9});
  return cases;
}

std::vector<ErrorCase> pool2d_errors() {
  std::vector<ErrorCase> errors;
  const auto both = [&](const std::string& op,
                        Tensor (*call)(const Tensor&, const Pool2dOptions&)) {
    errors.push_back(
        error<ShapeError>(op, "expected input of shape [N, C, H, W], got [3, 4, 4]", [=] {
          call(ones({3, 4, 4}), {});
        }));
    errors.push_back(
        error<ShapeError>(op, "expected a window that fits the padded input, got 2 over 1", [=] {
          call(ones({1, 1, 4, 1}), {});
        }));
    errors.push_back(error<ValueError>(op, "expected a kernel of at least 1, got 0", [=] {
      call(ones({1, 1, 4, 4}), {.kernel_h = 0});
    }));
    errors.push_back(error<ValueError>(op, "expected a stride of at least 1, got -2", [=] {
      call(ones({1, 1, 4, 4}), {.stride_h = -2});
    }));
    errors.push_back(
        error<ValueError>(op, "expected padding of at most half a kernel (3x2), got 2x0", [=] {
          call(ones({1, 1, 4, 4}), {.kernel_h = 3, .pad_h = 2});
        }));
  };
  both("max_pool2d", max_pool2d);
  both("avg_pool2d", avg_pool2d);
  errors.push_back(error<ShapeError>(
      "global_avg_pool2d", "expected input of shape [N, C, H, W], H and W not 0, got [1, 2, 0, 3]",
      [] {
        global_avg_pool2d(ones({1, 2, 0, 3}));
      }));
  return errors;
}

}  // namespace

OpFamily pool2d_family() { return {pool2d_rows(), pool2d_errors()}; }

}  // namespace hebb::test
