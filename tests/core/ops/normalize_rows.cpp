#include <cmath>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

constexpr double epsilon = 1e-3;

struct Moments {
  double mean, variance;
  int64_t n;
};

Moments moments(const Array& x, int64_t c) {
  Moments m{0, 0, x.shape[0] * x.shape[2] * x.shape[3]};
  const auto each = [&](auto f) {
    for (int64_t n = 0; n < x.shape[0]; ++n)
      for (int64_t i = 0; i < x.shape[2]; ++i)
        for (int64_t j = 0; j < x.shape[3]; ++j) f(x(n, c, i, j));
  };
  each([&](double v) { m.mean += v / double(m.n); });
  each([&](double v) { m.variance += (v - m.mean) * (v - m.mean) / double(m.n); });
  return m;
}

// For x, weight, bias and, where they are given, mean and variance.
Array normalised(std::span<const Array> in) {
  const Array& x = in[0];
  Array y(x.shape);
  for (int64_t c = 0; c < x.shape[1]; ++c) {
    const Moments m = in.size() > 3 ? Moments{in[3](c), in[4](c), 0} : moments(x, c);
    for (int64_t n = 0; n < x.shape[0]; ++n)
      for (int64_t i = 0; i < x.shape[2]; ++i)
        for (int64_t j = 0; j < x.shape[3]; ++j)
          y(n, c, i, j) =
              (x(n, c, i, j) - m.mean) / std::sqrt(m.variance + epsilon) * in[1](c) + in[2](c);
  }
  return y;
}

Array running_statistics(std::span<const Array> in, double momentum) {
  const int64_t channels = in[0].shape[1];
  Array y({2 * channels});
  for (int64_t c = 0; c < channels; ++c) {
    const Moments m = moments(in[0], c);
    const double unbiased = m.variance * double(m.n) / double(m.n - 1);
    y(c) = (1 - momentum) * in[3](c) + momentum * m.mean;
    y(channels + c) = (1 - momentum) * in[4](c) + momentum * unbiased;
  }
  return y;
}

std::vector<OpCase> rows() {
  std::vector<OpCase> cases;
  const auto training = [&](const char* name, const Shape& shape) {
    const Shape channels{shape[1]};
    cases.push_back(
        {.op = "batch_norm2d",
         .name = name,
         .operands = {{shape}, {channels}, {channels}},
         .call =
             [](auto x) { return batch_norm2d(x[0], x[1], x[2], {}, {}, {.epsilon = epsilon}); },
         .reference = normalised,
         .large = shape.numel() > 10000});
    for (const double momentum : {0.1, 0.75})
      cases.push_back(
          {.op = "batch_norm2d",
           .name = std::string(name) + ": running statistics, momentum " + std::to_string(momentum),
           .operands = {{shape, Fill::normal, 0, false},
                        {channels, Fill::normal, 0, false},
                        {channels, Fill::normal, 0, false},
                        {channels, Fill::normal, 0, false, true},
                        {channels, Fill::positive, 0, false, true}},
           .call =
               [=](auto x) {
                 batch_norm2d(x[0], x[1], x[2], x[3], x[4],
                              {.epsilon = epsilon, .momentum = momentum});
                 return concat(x.subspan(3, 2));
               },
           .reference = [=](auto x) { return running_statistics(x, momentum); },
           .large = shape.numel() > 10000});
  };
  training("a batch", {3, 4, 5, 2});
  training("one image", {1, 2, 3, 4});
  training("two values", {2, 3, 1, 1});
  training("large", {21, 8, 17, 19});

  const auto inference = [&](const char* name, const Shape& shape) {
    const Shape channels{shape[1]};
    cases.push_back(
        {.op = "batch_norm2d_inference",
         .name = name,
         .operands = {{shape},
                      {channels},
                      {channels},
                      {channels, Fill::normal, 0, false},
                      {channels, Fill::positive, 0, false}},
         .call =
             [](auto x) { return batch_norm2d_inference(x[0], x[1], x[2], x[3], x[4], epsilon); },
         .reference = normalised,
         .large = shape.numel() > 10000});
  };
  inference("a batch", {3, 4, 5, 2});
  inference("one pixel", {1, 2, 1, 1});
  inference("empty batch", {0, 3, 4, 5});
  inference("large", {21, 8, 17, 19});
  return cases;
}

std::vector<ErrorCase> errors() {
  const Tensor c = ones({3});
  return {
      error<ShapeError>("batch_norm2d", "expected input of shape [N, C, H, W], got [2, 3]",
                        [c] {
                          batch_norm2d(ones({2, 3}), c, c, {}, {});
                        }),
      error<ShapeError>("batch_norm2d", "expected weight of shape [3], got [4]",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), ones({4}), c, {}, {});
                        }),
      error<ShapeError>("batch_norm2d", "expected running_mean of shape [3], got []",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), c, c, ones({}), {});
                        }),
      error<ValueError>("batch_norm2d",
                        "expected more than one value for each channel, got input [1, 3, 1, 1]",
                        [c] {
                          batch_norm2d(ones({1, 3, 1, 1}), c, c, {}, {});
                        }),
      error<ValueError>("batch_norm2d",
                        "expected more than one value for each channel, got input [0, 3, 2, 2]",
                        [c] {
                          batch_norm2d(ones({0, 3, 2, 2}), c, c, {}, {});
                        }),
      error<ValueError>("batch_norm2d", "expected epsilon over 0, got 0",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), c, c, {}, {}, {.epsilon = 0});
                        }),
      error<ValueError>("batch_norm2d", "expected momentum in [0, 1], got 1.5",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), c, c, {}, {}, {.momentum = 1.5});
                        }),
      error<ShapeError>("batch_norm2d_inference", "expected variance of shape [3], got [2]",
                        [c] {
                          batch_norm2d_inference(ones({2, 3, 2, 2}), c, c, c, ones({2}));
                        }),
  };
}

}  // namespace

OpFamily normalize_family() { return {rows(), errors()}; }

}  // namespace hebb::test
