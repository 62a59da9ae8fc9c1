#include <algorithm>
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

/// Which operands a row has: x and, in this order, those that are asked for.
struct Form {
  bool training = true, affine = true, residual = false, relu = false;

  size_t residual_at() const { return affine ? 3 : 1; }
  size_t mean_at() const { return residual_at() + residual; }
  BatchNormOptions options() const {
    return {.epsilon = epsilon, .training = training, .relu = relu};
  }
  std::string name() const {
    return std::string(training ? "training" : "inference") + (affine ? "" : ", not affine") +
           (residual ? ", a residual" : "") + (relu ? ", ReLU" : "");
  }
};

Array normalised(std::span<const Array> in, const Form& form) {
  const Array& x = in[0];
  Array y(x.shape);
  for (int64_t c = 0; c < x.shape[1]; ++c) {
    const Moments m = form.training ? moments(x, c)
                                    : Moments{in[form.mean_at()](c), in[form.mean_at() + 1](c), 0};
    for (int64_t n = 0; n < x.shape[0]; ++n)
      for (int64_t i = 0; i < x.shape[2]; ++i)
        for (int64_t j = 0; j < x.shape[3]; ++j) {
          double value = (x(n, c, i, j) - m.mean) / std::sqrt(m.variance + epsilon);
          if (form.affine) value = value * in[1](c) + in[2](c);
          if (form.residual) value += in[form.residual_at()](n, c, i, j);
          y(n, c, i, j) = form.relu ? std::max(value, 0.0) : value;
        }
  }
  return y;
}

Array running_statistics(std::span<const Array> in, double momentum) {
  const int64_t channels = in[0].shape[1];
  Array y({2 * channels});
  for (int64_t c = 0; c < channels; ++c) {
    const Moments m = moments(in[0], c);
    const double unbiased = m.variance * double(m.n) / double(m.n - 1);
    y(c) = (1 - momentum) * in[1](c) + momentum * m.mean;
    y(channels + c) = (1 - momentum) * in[2](c) + momentum * unbiased;
  }
  return y;
}

OpCase normalising(const char* name, const Shape& shape, const Form& form) {
  const Shape channels{shape[1]};
  std::vector<OperandSpec> operands{{shape}};
  if (form.affine) operands.resize(3, {.shape = channels, .optional = true});
  if (form.residual) operands.push_back({.shape = shape, .optional = true});
  if (!form.training) {
    operands.push_back({channels, Fill::normal, 0, false});
    operands.push_back({channels, Fill::positive, 0, false});
  }
  return {.op = "batch_norm2d",
          .name = std::string(name) + ": " + form.name(),
          .operands = operands,
          .call =
              [form](auto x) {
                const Tensor none;
                return batch_norm2d(x[0], form.affine ? x[1] : none, form.affine ? x[2] : none,
                                    form.training ? none : x[form.mean_at()],
                                    form.training ? none : x[form.mean_at() + 1], form.options(),
                                    form.residual ? x[form.residual_at()] : none);
              },
          .reference = [form](auto x) { return normalised(x, form); },
          .large = shape.numel() > 10000};
}

OpCase tracking(const char* name, const Shape& shape, double momentum) {
  const Shape channels{shape[1]};
  return {.op = "batch_norm2d",
          .name = std::string(name) + ": running statistics, momentum " + std::to_string(momentum),
          .operands = {{shape, Fill::normal, 0, false},
                       {channels, Fill::normal, 0, false, true},
                       {channels, Fill::positive, 0, false, true}},
          .call =
              [=](auto x) {
                batch_norm2d(x[0], {}, {}, x[1], x[2],
                             {.epsilon = epsilon, .momentum = momentum, .relu = true});
                return concat(x.subspan(1, 2));
              },
          .reference = [=](auto x) { return running_statistics(x, momentum); },
          .large = shape.numel() > 10000};
}

std::vector<OpCase> normalize_rows() {
  std::vector<OpCase> cases;
  const auto forms = [&](const char* name, const Shape& shape, bool training) {
    for (const bool affine : {true, false})
      for (const bool residual : {false, true})
        for (const bool relu : {false, true})
          cases.push_back(normalising(name, shape, {training, affine, residual, relu}));
    if (!training) return;
    for (const double momentum : {0.0, 0.1, 0.75, 1.0})
      cases.push_back(tracking(name, shape, momentum));
  };
  forms("a batch", {3, 4, 5, 2}, true);
  forms("one image", {1, 2, 3, 4}, true);
  forms("two values", {2, 3, 1, 1}, true);
  forms("large", {21, 8, 17, 19}, true);
  forms("large, planes longer than a sum", {2, 3, 67, 64}, true);
  forms("large, many small planes", {40, 133, 2, 2}, true);
  forms("a batch", {3, 4, 5, 2}, false);
  forms("one pixel", {1, 2, 1, 1}, false);
  forms("empty batch", {0, 3, 4, 5}, false);
  forms("large", {21, 8, 17, 19}, false);
  return cases;
}

std::vector<ErrorCase> normalize_errors() {
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
      error<ShapeError>("batch_norm2d", "expected running_variance of shape [3], got [2]",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), c, c, c, ones({2}));
                        }),
      error<ShapeError>("batch_norm2d", "expected residual of shape [2, 3, 2, 2], got [3]",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), c, c, c, c, {}, c);
                        }),
      error<ValueError>("batch_norm2d",
                        "expected running statistics for a pass that does not train, got none",
                        [c] {
                          batch_norm2d(ones({2, 3, 2, 2}), c, c, c, {}, {.training = false});
                        }),
  };
}

}  // namespace

OpFamily normalize_family() { return {normalize_rows(), normalize_errors()}; }

}  // namespace hebb::test
