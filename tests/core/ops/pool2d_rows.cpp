#include <limits>

#include "tests/core/ops/references.hpp"

namespace hebb::test {
namespace {

// How many windows there are along an axis.
int64_t windows(int64_t extent, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
                bool ceil_mode) {
  int64_t count = 0;
  const int64_t span = dilation * (kernel - 1) + 1;
  for (int64_t begin = -pad;; begin += stride, ++count) {
    const bool fits = begin + span <= extent + pad;
    const bool begun = begin + span - stride < extent + pad && begin < extent;
    if (!fits && !(ceil_mode && begun)) return count;
  }
}

}  // namespace

Array pooled(const Array& x, const Pool2dOptions& o, Of of) {
  const int64_t height = x.shape[2], width = x.shape[3];
  const int64_t out_h = windows(height, o.kernel_h, o.stride_h, o.pad_h, o.dilation_h, o.ceil_mode);
  const int64_t out_w = windows(width, o.kernel_w, o.stride_w, o.pad_w, o.dilation_w, o.ceil_mode);
  Array y({x.shape[0], x.shape[1], out_h, out_w});
  for (int64_t n = 0; n < x.shape[0]; ++n)
    for (int64_t c = 0; c < x.shape[1]; ++c)
      for (int64_t i = 0; i < out_h; ++i)
        for (int64_t j = 0; j < out_w; ++j) {
          double best = -std::numeric_limits<double>::infinity(), sum = 0, place = -1;
          int64_t inside = 0, padded = 0;
          for (int64_t a = 0; a < o.kernel_h; ++a)
            for (int64_t b = 0; b < o.kernel_w; ++b) {
              const int64_t row = i * o.stride_h - o.pad_h + a * o.dilation_h;
              const int64_t column = j * o.stride_w - o.pad_w + b * o.dilation_w;
              padded += row < height + o.pad_h && column < width + o.pad_w;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              ++inside;
              if (x(n, c, row, column) > best) place = double(row * width + column);
              best = std::max(best, x(n, c, row, column));
              sum += x(n, c, row, column);
            }
          const double mean = inside ? sum / double(o.count_include_pad ? padded : inside) : 0;
          y(n, c, i, j) = of == Of::largest ? best : of == Of::place ? place : mean;
        }
  return y;
}

namespace {

std::vector<OpCase> pool2d_rows() {
  std::vector<OpCase> cases;
  const auto rows = [&](const char* name, const Shape& shape, const Pool2dOptions& options) {
    const bool large = shape.numel() > 10000;
    cases.push_back({.op = "max_pool2d",
                     .name = name,
                     .operands = {{shape, Fill::distinct}},
                     .call = [=](auto x) { return max_pool2d(x[0], options); },
                     .reference = [=](auto x) { return pooled(x[0], options, Of::largest); },
                     .large = large});
    for (const bool places : {false, true})
      cases.push_back(
          {.op = "max_pool2d_with_indices",
           .name = std::string(name) + (places ? ", places" : ""),
           .operands = {{shape, Fill::distinct, 0, !places}},
           .call =
               [=](auto x) {
                 const auto [values, indices] = max_pool2d_with_indices(x[0], options);
                 return places ? indices : values;
               },
           .reference =
               [=](auto x) { return pooled(x[0], options, places ? Of::place : Of::largest); },
           .large = large});
    cases.push_back({.op = "avg_pool2d",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return avg_pool2d(x[0], options); },
                     .reference = [=](auto x) { return pooled(x[0], options, Of::mean); },
                     .large = large});
  };
  rows("2x2", {2, 3, 6, 8}, {});
  rows("2x2 of odd extents", {2, 3, 7, 5}, {});
  rows("2x2 of long rows", {2, 2, 5, 45}, {});
  rows("3x2 with stride 2x1", {2, 2, 7, 6},
       {.kernel_h = 3, .kernel_w = 2, .stride_h = 2, .stride_w = 1});
  rows("overlapping, with padding", {2, 3, 8, 7},
       {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1});
  rows("padding of columns alone", {1, 2, 4, 5},
       {.kernel_h = 2, .kernel_w = 4, .stride_h = 2, .stride_w = 3, .pad_w = 2});
  rows("stride over the kernel", {1, 2, 9, 10},
       {.kernel_h = 2, .kernel_w = 2, .stride_h = 4, .stride_w = 3});
  rows("dilation", {2, 2, 9, 8},
       {.kernel_h = 3,
        .kernel_w = 2,
        .stride_h = 1,
        .stride_w = 2,
        .dilation_h = 2,
        .dilation_w = 3});
  rows("dilation and padding", {1, 2, 6, 5},
       {.kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 1,
        .pad_h = 1,
        .pad_w = 1,
        .dilation_h = 2,
        .dilation_w = 2});
  rows("extents rounded up", {2, 3, 6, 5}, {.kernel_h = 3, .kernel_w = 3, .ceil_mode = true});
  rows("extents rounded up, 2x2", {2, 3, 7, 5}, {.ceil_mode = true});
  rows("extents rounded up, no window behind the input", {1, 2, 5, 4},
       {.stride_h = 3, .stride_w = 3, .pad_h = 1, .pad_w = 1, .ceil_mode = true});
  rows("extents rounded up, with padding and dilation", {1, 2, 8, 7},
       {.kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 3,
        .pad_h = 1,
        .pad_w = 1,
        .dilation_h = 2,
        .dilation_w = 1,
        .ceil_mode = true});
  rows("padding does not count", {2, 2, 6, 7},
       {.kernel_h = 3,
        .kernel_w = 3,
        .stride_h = 2,
        .stride_w = 2,
        .pad_h = 1,
        .pad_w = 1,
        .count_include_pad = false});
  rows("padding does not count, extents rounded up, dilation", {1, 2, 8, 7},
       {.kernel_h = 3,
        .kernel_w = 2,
        .stride_h = 2,
        .stride_w = 2,
        .pad_h = 1,
        .pad_w = 1,
        .dilation_h = 2,
        .dilation_w = 2,
        .ceil_mode = true,
        .count_include_pad = false});
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
                   .reference = [](auto x) { return pooled(x[0], {}, Of::largest); }});

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
  for (size_t i = 0, n = cases.size(); i < n; ++i)
    if (!cases[i].large && cases[i].operands[0].shape[0] > 0 && cases[i].operands[0].grad)
      cases.push_back(replicated(cases[i], 1 + int64_t(i) % 3));
  return cases;
}

std::vector<ErrorCase> pool2d_errors() {
  std::vector<ErrorCase> errors;
  const auto both = [&](const std::string& op,
                        Tensor (*call)(const Tensor&, const Pool2dOptions&)) {
    errors.push_back(error<ShapeError>(
        op, "expected input of shape [N, C, H, W], got [3, 4, 4]: 1-D is out of scope", [=] {
          call(ones({3, 4, 4}), {});
        }));
    errors.push_back(
        error<ShapeError>(op, "expected a window that fits the padded input, got 2 over 1", [=] {
          call(ones({1, 1, 4, 1}), {});
        }));
    errors.push_back(
        error<ShapeError>(op, "expected a window that fits the padded input, got 5 over 4", [=] {
          call(ones({1, 1, 4, 4}), {.dilation_w = 4});
        }));
    errors.push_back(error<ValueError>(op, "expected a dilation of at least 1, got 0", [=] {
      call(ones({1, 1, 4, 4}), {.dilation_h = 0});
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
  both("max_pool2d_with_indices", [](const Tensor& x, const Pool2dOptions& o) {
    return max_pool2d_with_indices(x, o).values;
  });
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
