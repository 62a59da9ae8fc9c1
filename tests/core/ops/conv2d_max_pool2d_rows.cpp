#include <algorithm>
#include <string>

#include "tests/core/ops/references.hpp"

namespace hebb::test {
namespace {

std::vector<OpCase> conv2d_max_pool2d_rows() {
  std::vector<OpCase> cases;
  const auto rows = [&](const char* name, const Shape& x, const Shape& weight,
                        const Conv2dOptions& conv = {}, const Pool2dOptions& pool = {},
                        bool bias = true) {
    for (const bool relu : {false, true}) {
      std::vector<OperandSpec> operands{{x}, {weight}};
      if (bias) operands.push_back({.shape = {weight[0]}, .optional = true});
      cases.push_back(
          {.op = "conv2d_max_pool2d",
           .name = std::string(name) + (relu ? ", ReLU" : ""),
           .operands = operands,
           .call =
               [=](auto t) {
                 return conv2d_max_pool2d(t[0], t[1], bias ? t[2] : Tensor(), {conv, pool, relu});
               },
           .reference =
               [=](auto t) {
                 Array y = pooled(convolution(t, conv), pool, Of::largest);
                 if (relu)
                   for (double& value : y.values) value = std::max(value, 0.0);
                 return y;
               },
           .large = x.numel() > 10000,
           .checked = false});  // by those that it stands for
    }
  };
  rows("3x3", {2, 3, 6, 8}, {4, 3, 3, 3});
  rows("no bias", {2, 3, 6, 8}, {4, 3, 3, 3}, {}, {}, false);
  rows("planes that windows do not cover", {2, 2, 7, 8}, {3, 2, 3, 3}, {.pad_h = 1, .pad_w = 1});
  rows("extents rounded up", {2, 2, 7, 5}, {3, 2, 3, 3}, {.pad_h = 1, .pad_w = 1},
       {.ceil_mode = true});
  rows("windows of 3x1", {2, 2, 8, 5}, {3, 2, 3, 3}, {},
       {.kernel_h = 3, .kernel_w = 1, .stride_h = 3, .stride_w = 1});
  rows("windows that overlap", {2, 2, 9, 8}, {3, 2, 3, 3}, {.pad_h = 1, .pad_w = 1},
       {.kernel_h = 3, .kernel_w = 3, .stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1});
  rows("windows over the border", {2, 2, 7, 6}, {3, 2, 2, 3}, {}, {.pad_h = 1, .pad_w = 1});
  rows("stride", {2, 2, 9, 9}, {3, 2, 3, 3}, {.stride_h = 2, .stride_w = 2});
  rows("groups", {2, 4, 6, 6}, {6, 2, 3, 3}, {.groups = 2});
  rows("empty batch", {0, 3, 6, 6}, {4, 3, 3, 3});
  rows("LeNet-5's first layer", {1, 1, 28, 28}, {6, 1, 5, 5}, {.pad_h = 2, .pad_w = 2});
  rows("LeNet-5's second layer", {2, 6, 14, 14}, {16, 6, 5, 5});
  rows("LeNet-5's first layer, a batch", {37, 1, 28, 28}, {6, 1, 5, 5}, {.pad_h = 2, .pad_w = 2});
  rows("LeNet-5's second layer, a batch", {37, 6, 14, 14}, {16, 6, 5, 5});
  for (size_t i = 0, n = cases.size(); i < n; ++i)
    if (cases[i].operands[0].shape[0] > 0 && !cases[i].name.starts_with("groups"))
      cases.push_back(replicated(cases[i], 1 + int64_t(i) % 3));
  return cases;
}

std::vector<ErrorCase> conv2d_max_pool2d_errors() {
  // In the words of the operations that it stands for.
  const auto of = [](ErrorCase error) {
    error.op = "conv2d_max_pool2d";
    return error;
  };
  return {
      of(error<ShapeError>("conv2d", "expected a window that fits the padded input, got 3 over 2",
                           [] {
                             conv2d_max_pool2d(ones({1, 1, 2, 2}), ones({1, 1, 3, 3}));
                           })),
      of(error<ShapeError>("max_pool2d",
                           "expected a window that fits the padded input, got 2 over 1",
                           [] {
                             conv2d_max_pool2d(ones({1, 1, 3, 3}), ones({1, 1, 3, 3}));
                           })),
      of(error<DTypeError>(
          "conv2d", "expected input of float32, float64 or bfloat16, got uint8 [1] on cpu",
          [] {
            conv2d_max_pool2d(Tensor::ones({1}, {DType::uint8}), ones({1, 1, 3, 3}));
          })),
      of(error<ValueError>("max_pool2d", "expected padding of at most half a kernel (2x2), got 2x0",
                           [] {
                             conv2d_max_pool2d(ones({1, 1, 5, 5}), ones({1, 1, 3, 3}), {},
                                               {.conv = {}, .pool = {.pad_h = 2}});
                           })),
  };
}

}  // namespace

OpFamily conv2d_max_pool2d_family() {
  return {conv2d_max_pool2d_rows(), conv2d_max_pool2d_errors()};
}

}  // namespace hebb::test
