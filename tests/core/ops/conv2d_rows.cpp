#include "tests/core/ops/references.hpp"

namespace hebb::test {

Array convolution(std::span<const Array> in, const Conv2dOptions& o) {
  const Array &x = in[0], &w = in[1];
  const int64_t height = x.shape[2], width = x.shape[3], kh = w.shape[2], kw = w.shape[3];
  const int64_t out_h = (height + 2 * o.pad_h - o.dilation_h * (kh - 1) - 1) / o.stride_h + 1;
  const int64_t out_w = (width + 2 * o.pad_w - o.dilation_w * (kw - 1) - 1) / o.stride_w + 1;
  Array y({x.shape[0], w.shape[0], out_h, out_w});
  for (int64_t n = 0; n < y.shape[0]; ++n)
    for (int64_t f = 0; f < y.shape[1]; ++f)
      for (int64_t i = 0; i < out_h; ++i)
        for (int64_t j = 0; j < out_w; ++j) {
          const int64_t group = f / (w.shape[0] / o.groups);
          double sum = in.size() > 2 ? in[2](f) : 0;
          for (int64_t c = 0; c < w.shape[1]; ++c)
            for (int64_t a = 0; a < kh; ++a)
              for (int64_t b = 0; b < kw; ++b) {
                const int64_t row = i * o.stride_h - o.pad_h + a * o.dilation_h;
                const int64_t column = j * o.stride_w - o.pad_w + b * o.dilation_w;
                if (row >= 0 && row < height && column >= 0 && column < width)
                  sum += x(n, group * w.shape[1] + c, row, column) * w(f, c, a, b);
              }
          y(n, f, i, j) = sum;
        }
  return y;
}

namespace {

std::vector<OpCase> conv2d_rows() {
  std::vector<OpCase> cases;
  const auto row = [&](const char* name, const Shape& x, const Shape& weight,
                       const Conv2dOptions& options = {}, bool bias = true) {
    std::vector<OperandSpec> operands{{x}, {weight}};
    if (bias) operands.push_back({.shape = {weight[0]}, .optional = true});
    cases.push_back(
        {.op = "conv2d",
         .name = name,
         .operands = operands,
         .call = [=](auto t) { return conv2d(t[0], t[1], bias ? t[2] : Tensor(), options); },
         .reference = [=](auto t) { return convolution(t, options); }});
  };
  row("3x3", {2, 3, 6, 7}, {4, 3, 3, 3});
  row("no bias", {2, 3, 6, 7}, {4, 3, 3, 3}, {}, false);
  row("padding", {2, 2, 5, 7}, {3, 2, 3, 3}, {.pad_h = 1, .pad_w = 1});
  row("padding of rows alone", {1, 2, 5, 4}, {3, 2, 3, 3}, {.pad_h = 2});
  row("stride", {2, 2, 7, 9}, {3, 2, 3, 3}, {.stride_h = 2, .stride_w = 3});
  row("stride that leaves a rest", {1, 2, 8, 6}, {2, 2, 3, 3}, {.stride_h = 2, .stride_w = 2});
  row("stride and padding", {2, 3, 8, 7}, {4, 3, 3, 3},
      {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1});
  row("dilation", {1, 2, 9, 8}, {2, 2, 3, 3}, {.dilation_h = 2, .dilation_w = 3});
  row("stride, padding and dilation", {2, 2, 9, 11}, {3, 2, 3, 2},
      {.stride_h = 2, .stride_w = 3, .pad_h = 2, .pad_w = 1, .dilation_h = 2, .dilation_w = 2});
  row("kernel not square", {2, 2, 5, 8}, {3, 2, 2, 5}, {.pad_h = 1, .pad_w = 2});
  row("1x1", {2, 5, 3, 4}, {6, 5, 1, 1});
  row("1x1 with stride", {2, 4, 5, 6}, {3, 4, 1, 1}, {.stride_h = 2, .stride_w = 2});
  row("kernel as large as the input", {3, 2, 4, 5}, {2, 2, 4, 5});
  row("padding larger than the kernel", {1, 1, 2, 2}, {1, 1, 2, 2}, {.pad_h = 3, .pad_w = 3});
  row("one pixel", {1, 1, 1, 1}, {1, 1, 1, 1});
  row("empty batch", {0, 3, 6, 5}, {4, 3, 3, 3}, {.pad_h = 1, .pad_w = 1});
  row("many channels", {1, 17, 4, 3}, {19, 17, 3, 3}, {.pad_h = 1, .pad_w = 1});
  row("LeNet-5's first layer", {1, 1, 28, 28}, {6, 1, 5, 5}, {.pad_h = 2, .pad_w = 2});
  row("LeNet-5's second layer", {1, 6, 14, 14}, {16, 6, 5, 5});
  row("two groups", {2, 6, 5, 7}, {4, 3, 3, 3}, {.pad_h = 1, .groups = 2});
  row("two groups, no bias", {2, 4, 5, 4}, {6, 2, 3, 2}, {.stride_h = 2, .groups = 2}, false);
  row("depthwise", {2, 5, 6, 5}, {5, 1, 3, 3}, {.pad_h = 1, .pad_w = 1, .groups = 5});
  row("depthwise, two filters a channel", {1, 3, 6, 5}, {6, 1, 3, 3}, {.groups = 3});
  row("groups of an empty batch", {0, 4, 6, 5}, {4, 2, 3, 3}, {.groups = 2});
  const auto large = [&](const char* name, const Shape& x, const Shape& weight,
                         const Conv2dOptions& options = {}, bool bias = true) {
    row(name, x, weight, options, bias);
    cases.back().large = true;
  };
  large("four groups, a batch", {9, 64, 12, 11}, {64, 16, 3, 3},
        {.pad_h = 1, .pad_w = 1, .groups = 4});
  large("LeNet-5's first layer, a batch", {37, 1, 28, 28}, {6, 1, 5, 5}, {.pad_h = 2, .pad_w = 2});
  large("LeNet-5's second layer, a batch", {37, 6, 14, 14}, {16, 6, 5, 5});
  large("3x3 with padding, a batch", {9, 16, 17, 15}, {24, 16, 3, 3}, {.pad_h = 1, .pad_w = 1},
        false);
  large("3x3 with stride, a batch", {9, 16, 16, 16}, {32, 16, 3, 3},
        {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}, false);
  large("3x3 for Winograd, tiles over the border", {8, 18, 7, 5}, {21, 18, 3, 3},
        {.pad_h = 1, .pad_w = 1});
  large("3x3 for Winograd, without padding", {9, 16, 6, 10}, {16, 16, 3, 3});
  large("3x3 for Winograd, small planes", {65, 20, 2, 2}, {17, 20, 3, 3}, {.pad_h = 1, .pad_w = 1},
        false);
  large("3x3 for Winograd, several parts of sums", {18, 20, 20, 18}, {70, 20, 3, 3},
        {.pad_h = 1, .pad_w = 1});
  large("3x3 for Winograd with stride, several parts of sums", {26, 18, 24, 22}, {70, 18, 3, 3},
        {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1});
  large("3x3 for Winograd, one image", {1, 17, 16, 17}, {16, 17, 3, 3}, {.pad_h = 1, .pad_w = 1});
  large("1x1 with stride, a batch", {9, 16, 16, 16}, {32, 16, 1, 1}, {.stride_h = 2, .stride_w = 2},
        false);
  for (size_t i = 0, n = cases.size(); i < n; ++i)
    if (cases[i].operands[0].shape[0] > 0 && cases[i].name.find("group") == std::string::npos &&
        cases[i].name.find("depthwise") == std::string::npos)
      cases.push_back(replicated(cases[i], 1 + int64_t(i) % 3));
  return cases;
}

std::vector<ErrorCase> conv2d_errors() {
  const auto with = [](Conv2dOptions options) {
    return [options] { conv2d(ones({1, 1, 5, 5}), ones({1, 1, 3, 3}), {}, options); };
  };
  return {
      error<ShapeError>("conv2d",
                        "expected input of shape [N, 6, H, W] to match weight "
                        "[16, 6, 5, 5], got [2, 3, 28, 28]",
                        [] {
                          conv2d(ones({2, 3, 28, 28}), ones({16, 6, 5, 5}));
                        }),
      error<ShapeError>(
          "conv2d", "expected input of shape [N, C, H, W], got [6, 28, 28]: 1-D is out of scope",
          [] {
            conv2d(ones({6, 28, 28}), ones({16, 6, 5, 5}));
          }),
      error<ShapeError>("conv2d",
                        "expected input of shape [N, 12, H, W] to match weight "
                        "[16, 6, 5, 5] in 2 groups, got [2, 6, 28, 28]",
                        [] {
                          conv2d(ones({2, 6, 28, 28}), ones({16, 6, 5, 5}), {}, {.groups = 2});
                        }),
      error<ValueError>("conv2d", "expected groups that divide 16 filters, got 3",
                        [] {
                          conv2d(ones({2, 6, 28, 28}), ones({16, 2, 5, 5}), {}, {.groups = 3});
                        }),
      error<ShapeError>("conv2d",
                        "expected weight of shape [O, C, KH, KW], got [6, 1, 5]: 1-D is out of "
                        "scope",
                        [] {
                          conv2d(ones({2, 1, 28}), ones({6, 1, 5}));
                        }),
      error<ShapeError>(
          "conv2d", "expected weight of shape [O, C, KH, KW], none of them 0, got [16, 0, 5, 5]",
          [] {
            conv2d(ones({2, 0, 28, 28}), ones({16, 0, 5, 5}));
          }),
      error<ShapeError>("conv2d", "expected weight of shape [O, C, KH, KW], got [6, 25]",
                        [] {
                          conv2d(ones({2, 1, 28, 28}), ones({6, 25}));
                        }),
      error<ShapeError>("conv2d", "expected input of shape [R, N, C, H, W], got [2, 1, 28, 28]",
                        [] {
                          conv2d(ones({2, 1, 28, 28}), ones({6, 1, 3, 3, 3}));
                        }),
      error<ShapeError>("conv2d",
                        "expected as many replicas in input as in weight [3, 6, 1, 5, 5], got "
                        "[2, 2, 1, 28, 28]",
                        [] {
                          conv2d(ones({2, 2, 1, 28, 28}), ones({3, 6, 1, 5, 5}));
                        }),
      error<ShapeError>("conv2d",
                        "expected input of shape [R, N, 1, H, W] to match weight [3, 6, 1, 5, 5], "
                        "got [3, 2, 2, 28, 28]",
                        [] {
                          conv2d(ones({3, 2, 2, 28, 28}), ones({3, 6, 1, 5, 5}));
                        }),
      error<ShapeError>("conv2d", "expected bias of shape [3, 6], got [6]",
                        [] {
                          conv2d(ones({3, 2, 1, 28, 28}), ones({3, 6, 1, 5, 5}), ones({6}));
                        }),
      error<ValueError>("conv2d", "expected one group for replicas, got 2",
                        [] {
                          conv2d(ones({3, 2, 2, 28, 28}), ones({3, 6, 1, 5, 5}), {}, {.groups = 2});
                        }),
      error<ShapeError>("conv2d", "expected bias of shape [16], got [6]",
                        [] {
                          conv2d(ones({2, 6, 28, 28}), ones({16, 6, 5, 5}), ones({6}));
                        }),
      error<ShapeError>("conv2d", "expected a window that fits the padded input, got 5 over 4",
                        [] {
                          conv2d(ones({1, 1, 6, 4}), ones({1, 1, 5, 5}));
                        }),
      error<ShapeError>("conv2d", "expected a window that fits the padded input, got 7 over 5",
                        with({.dilation_h = 3})),
      error<ValueError>("conv2d", "expected a stride of at least 1, got 0", with({.stride_w = 0})),
      error<ValueError>("conv2d", "expected a dilation of at least 1, got 0",
                        with({.dilation_h = 0})),
      error<ValueError>("conv2d", "expected a padding of at least 0, got -1", with({.pad_h = -1})),
      error<ShapeError>("conv2d", "expected a window that fits the padded input, got 5 over 0",
                        [] {
                          conv2d(ones({1, 1, 0, 8}), ones({1, 1, 5, 5}));
                        }),
  };
}

}  // namespace

OpFamily conv2d_family() { return {conv2d_rows(), conv2d_errors()}; }

}  // namespace hebb::test
