#include "tests/core/op_table.hpp"

namespace hebb::test {
namespace {

Tensor x(const Shape& shape) { return Tensor::ones(shape); }
Tensor labels(std::vector<int64_t> values) {
  const int64_t n = int64_t(values.size());
  return Tensor::from(values, {n});
}
Generator& generator() {
  static Generator instance;
  return instance;
}

std::vector<ErrorCase> elementwise_errors() {
  std::vector<ErrorCase> errors;
  const auto binary = [&](const std::string& op, Tensor (*call)(const Tensor&, const Tensor&)) {
    errors.push_back(error<ShapeError>(
        op, "[" + op + "] expected shapes that broadcast, got [2, 3] and [2]", [=] {
          call(x({2, 3}), x({2}));
        }));
    errors.push_back(error<DTypeError>(
        op,
        "[" + op +
            "] expected b of the same type as a (float32 [2] on cpu), got float64 [2] on cpu",
        [=] { call(x({2}), Tensor::ones({2}, {DType::float64})); }));
  };
  binary("add", add);
  binary("subtract", subtract);
  binary("multiply", multiply);
  binary("divide", divide);
  const auto unary = [&](const std::string& op, Tensor (*call)(const Tensor&)) {
    errors.push_back(
        error<DTypeError>(op, "[" + op + "] expected x of float32 or float64, got uint8 [2] on cpu",
                          [=] { call(Tensor::ones({2}, {DType::uint8})); }));
    errors.push_back(error<ValueError>(
        op, "[" + op + "] expected a tensor for x, got an undefined one", [=] { call(Tensor()); }));
  };
  unary("negate", negate);
  unary("exp", exp);
  unary("log", log);
  unary("sqrt", sqrt);
  unary("tanh", tanh);
  unary("abs", abs);
  unary("relu", relu);
  unary("sigmoid", sigmoid);
  unary("square", square);
  unary("affine", [](const Tensor& t) { return affine(t, 2, 1); });
  unary("sum_abs", sum_abs);
  unary("sum_square", sum_square);
  unary("softmax", softmax);
  unary("log_softmax", log_softmax);
  for (const double p : {-0.5, 1.0})
    errors.push_back(error<ValueError>(
        "dropout", "[dropout] expected p in [0, 1), got " + std::string(p < 0 ? "-0.5" : "1"),
        [p] { dropout(x({3}), p, generator()); }));
  return errors;
}

std::vector<ErrorCase> reduce_errors() {
  return {
      error<ShapeError>("sum", "[sum] expected an axis in [-2, 2) for shape [2, 3], got 2",
                        [] {
                          sum(x({2, 3}), {2});
                        }),
      error<ShapeError>("sum", "[sum] expected each axis once, got axis -1 twice",
                        [] {
                          sum(x({2, 3}), {1, -1});
                        }),
      error<ShapeError>("mean", "[mean] expected an axis in [-2, 2) for shape [2, 3], got -3",
                        [] {
                          mean(x({2, 3}), {-3});
                        }),
      error<ShapeError>("max", "[max] expected an axis in [0, 0) for shape [], got 0",
                        [] { max(x({}), 0); }),
      error<ShapeError>("max", "[max] expected elements along axis 1, got [3, 0]",
                        [] {
                          max(x({3, 0}), -1);
                        }),
      error<ShapeError>("argmax", "[argmax] expected elements along axis 0, got [0, 3]",
                        [] {
                          argmax(x({0, 3}), 0);
                        }),
      error<ShapeError>("count_equal", "[count_equal] expected b of shape [2], got [3]",
                        [] {
                          count_equal(labels({1, 2}), labels({1, 2, 3}));
                        }),
      error<DTypeError>("count_equal", "[count_equal] expected a of int64, got float32 [2] on cpu",
                        [] {
                          count_equal(x({2}), labels({1, 2}));
                        }),
  };
}

std::vector<ErrorCase> matmul_errors() {
  return {
      error<ShapeError>("matmul",
                        "[matmul] expected matrices [M, K] and [K, N], got [2, 3] and [2, 3]",
                        [] {
                          matmul(x({2, 3}), x({2, 3}));
                        }),
      error<ShapeError>(
          "matmul",
          "[matmul] expected matrices [M, K] and [K, N], got [2, 3] transposed and [4, 3]",
          [] {
            matmul(x({2, 3}), x({4, 3}), {.transpose_a = true});
          }),
      error<ShapeError>("matmul",
                        "[matmul] expected matrices [M, K] and [K, N], got [2, 3] and [3]",
                        [] {
                          matmul(x({2, 3}), x({3}));
                        }),
      error<ShapeError>("linear",
                        "[linear] expected x of shape [N, 5] to match weight [4, 5], got [2, 3]",
                        [] {
                          linear(x({2, 3}), x({4, 5}));
                        }),
      error<ShapeError>("linear",
                        "[linear] expected x of shape [N, 5] to match weight [4, 5], got [5]",
                        [] {
                          linear(x({5}), x({4, 5}));
                        }),
      error<ShapeError>("linear", "[linear] expected weight of shape [out, in], got [5]",
                        [] {
                          linear(x({2, 5}), x({5}));
                        }),
      error<ShapeError>("linear", "[linear] expected bias of shape [4], got [5]",
                        [] {
                          linear(x({2, 5}), x({4, 5}), x({5}));
                        }),
      error<ShapeError>(
          "bean_penalty",
          "[bean_penalty] expected h of shape [S, 5] to match weight [4, 5], got [2, 3]",
          [] {
            bean_penalty(x({2, 3}), x({4, 5}));
          }),
      error<ShapeError>("bean_penalty", "[bean_penalty] expected weight of shape [M, N], got [5]",
                        [] {
                          bean_penalty(x({2, 5}), x({5}));
                        }),
      error<ValueError>("bean_penalty",
                        "[bean_penalty] expected at least one sample and neuron, got h [0, 5] and "
                        "weight [4, 5]",
                        [] {
                          bean_penalty(x({0, 5}), x({4, 5}));
                        }),
      error<ValueError>("bean_penalty", "[bean_penalty] expected order 1 or 2, got 3",
                        [] {
                          bean_penalty(x({2, 5}), x({4, 5}), {.order = 3});
                        }),
      error<ValueError>("bean_penalty", "[bean_penalty] expected gamma over 0, got -1",
                        [] {
                          bean_penalty(x({2, 5}), x({4, 5}), {.gamma = -1});
                        }),
  };
}

std::vector<ErrorCase> conv2d_errors() {
  const auto with = [](Conv2dOptions options) {
    return [options] { conv2d(x({1, 1, 5, 5}), x({1, 1, 3, 3}), {}, options); };
  };
  return {
      error<ShapeError>("conv2d",
                        "[conv2d] expected input of shape [N, 6, H, W] to match weight "
                        "[16, 6, 5, 5], got [2, 3, 28, 28]",
                        [] {
                          conv2d(x({2, 3, 28, 28}), x({16, 6, 5, 5}));
                        }),
      error<ShapeError>("conv2d",
                        "[conv2d] expected input of shape [N, 6, H, W] to match weight "
                        "[16, 6, 5, 5], got [6, 28, 28]",
                        [] {
                          conv2d(x({6, 28, 28}), x({16, 6, 5, 5}));
                        }),
      error<ShapeError>(
          "conv2d",
          "[conv2d] expected weight of shape [O, C, KH, KW], none of them 0, got [16, 0, 5, 5]",
          [] {
            conv2d(x({2, 0, 28, 28}), x({16, 0, 5, 5}));
          }),
      error<ShapeError>(
          "conv2d", "[conv2d] expected weight of shape [O, C, KH, KW], none of them 0, got [6, 25]",
          [] {
            conv2d(x({2, 1, 28, 28}), x({6, 25}));
          }),
      error<ShapeError>("conv2d", "[conv2d] expected bias of shape [16], got [6]",
                        [] {
                          conv2d(x({2, 6, 28, 28}), x({16, 6, 5, 5}), x({6}));
                        }),
      error<ShapeError>("conv2d",
                        "[conv2d] expected a window that fits the padded input, got 5 over 4",
                        [] {
                          conv2d(x({1, 1, 6, 4}), x({1, 1, 5, 5}));
                        }),
      error<ShapeError>("conv2d",
                        "[conv2d] expected a window that fits the padded input, got 7 over 5",
                        with({.dilation_h = 3})),
      error<ValueError>("conv2d", "[conv2d] expected a stride of at least 1, got 0",
                        with({.stride_w = 0})),
      error<ValueError>("conv2d", "[conv2d] expected a dilation of at least 1, got 0",
                        with({.dilation_h = 0})),
      error<ValueError>("conv2d", "[conv2d] expected a padding of at least 0, got -1",
                        with({.pad_h = -1})),
      error<ShapeError>("conv2d",
                        "[conv2d] expected a window that fits the padded input, got 5 over 0",
                        [] {
                          conv2d(x({1, 1, 0, 8}), x({1, 1, 5, 5}));
                        }),
  };
}

std::vector<ErrorCase> pool2d_errors() {
  std::vector<ErrorCase> errors;
  const auto both = [&](const std::string& op,
                        Tensor (*call)(const Tensor&, const Pool2dOptions&)) {
    const std::string where = "[" + op + "] expected ";
    errors.push_back(
        error<ShapeError>(op, where + "input of shape [N, C, H, W], got [3, 4, 4]", [=] {
          call(x({3, 4, 4}), {});
        }));
    errors.push_back(
        error<ShapeError>(op, where + "a window that fits the padded input, got 2 over 1", [=] {
          call(x({1, 1, 4, 1}), {});
        }));
    errors.push_back(error<ValueError>(op, where + "a kernel of at least 1, got 0", [=] {
      call(x({1, 1, 4, 4}), {.kernel_h = 0});
    }));
    errors.push_back(error<ValueError>(op, where + "a stride of at least 1, got -2", [=] {
      call(x({1, 1, 4, 4}), {.stride_h = -2});
    }));
    errors.push_back(
        error<ValueError>(op, where + "padding of at most half a kernel (3x2), got 2x0", [=] {
          call(x({1, 1, 4, 4}), {.kernel_h = 3, .pad_h = 2});
        }));
  };
  both("max_pool2d", max_pool2d);
  both("avg_pool2d", avg_pool2d);
  errors.push_back(error<ShapeError>(
      "global_avg_pool2d",
      "[global_avg_pool2d] expected input of shape [N, C, H, W], H and W not 0, got [1, 2, 0, 3]",
      [] {
        global_avg_pool2d(x({1, 2, 0, 3}));
      }));
  return errors;
}

std::vector<ErrorCase> normalize_errors() {
  const Tensor c = x({3});
  return {
      error<ShapeError>("batch_norm2d",
                        "[batch_norm2d] expected input of shape [N, C, H, W], got [2, 3]",
                        [c] {
                          batch_norm2d(x({2, 3}), c, c, {}, {});
                        }),
      error<ShapeError>("batch_norm2d", "[batch_norm2d] expected weight of shape [3], got [4]",
                        [c] {
                          batch_norm2d(x({2, 3, 2, 2}), x({4}), c, {}, {});
                        }),
      error<ShapeError>("batch_norm2d", "[batch_norm2d] expected running_mean of shape [3], got []",
                        [c] {
                          batch_norm2d(x({2, 3, 2, 2}), c, c, x({}), {});
                        }),
      error<ValueError>(
          "batch_norm2d",
          "[batch_norm2d] expected more than one value for each channel, got input [1, 3, 1, 1]",
          [c] {
            batch_norm2d(x({1, 3, 1, 1}), c, c, {}, {});
          }),
      error<ValueError>(
          "batch_norm2d",
          "[batch_norm2d] expected more than one value for each channel, got input [0, 3, 2, 2]",
          [c] {
            batch_norm2d(x({0, 3, 2, 2}), c, c, {}, {});
          }),
      error<ValueError>("batch_norm2d", "[batch_norm2d] expected epsilon over 0, got 0",
                        [c] {
                          batch_norm2d(x({2, 3, 2, 2}), c, c, {}, {}, {.epsilon = 0});
                        }),
      error<ValueError>("batch_norm2d", "[batch_norm2d] expected momentum in [0, 1], got 1.5",
                        [c] {
                          batch_norm2d(x({2, 3, 2, 2}), c, c, {}, {}, {.momentum = 1.5});
                        }),
      error<ShapeError>("batch_norm2d_inference",
                        "[batch_norm2d_inference] expected variance of shape [3], got [2]",
                        [c] {
                          batch_norm2d_inference(x({2, 3, 2, 2}), c, c, c, x({2}));
                        }),
  };
}

std::vector<ErrorCase> softmax_errors() {
  return {
      error<ShapeError>("softmax", "[softmax] expected rows of at least one element, got []",
                        [] { softmax(x({})); }),
      error<ShapeError>("log_softmax",
                        "[log_softmax] expected rows of at least one element, got [2, 0]",
                        [] {
                          log_softmax(x({2, 0}));
                        }),
      error<ShapeError>("cross_entropy", "[cross_entropy] expected logits of shape [N, C], got [3]",
                        [] { cross_entropy(x({3}), labels({0})); }),
      error<ShapeError>("cross_entropy", "[cross_entropy] expected labels of shape [2], got [3]",
                        [] {
                          cross_entropy(x({2, 4}), labels({0, 1, 2}));
                        }),
      error<DTypeError>("cross_entropy",
                        "[cross_entropy] expected labels of int64, got float32 [2] on cpu",
                        [] {
                          cross_entropy(x({2, 4}), x({2}));
                        }),
      error<ValueError>("cross_entropy",
                        "[cross_entropy] expected a batch of at least one row, got logits [0, 4]",
                        [] {
                          cross_entropy(x({0, 4}), labels({}));
                        }),
      error<ValueError>("cross_entropy",
                        "[cross_entropy] expected label_smoothing in [0, 1), got 1",
                        [] {
                          cross_entropy(x({1, 4}), labels({0}), {.label_smoothing = 1});
                        }),
      error<ValueError>("cross_entropy",
                        "[cross_entropy] expected labels in [0, 4), got 4 at row 1",
                        [] {
                          cross_entropy(x({3, 4}), labels({3, 4, 0}));
                        }),
      error<ValueError>("cross_entropy",
                        "[cross_entropy] expected labels in [0, 4), got -1 at row 0",
                        [] {
                          cross_entropy(x({1, 4}), labels({-1}));
                        }),
      error<ShapeError>("cross_entropy_soft",
                        "[cross_entropy_soft] expected targets of shape [2, 4], got [2]",
                        [] {
                          cross_entropy_soft(x({2, 4}), x({2}));
                        }),
      error<ShapeError>("cross_entropy_soft",
                        "[cross_entropy_soft] expected weights of shape [2], got [4]",
                        [] {
                          cross_entropy_soft(x({2, 4}), x({2, 4}), x({4}));
                        }),
      error<ShapeError>("kl_divergence", "[kl_divergence] expected p of shape [2, 4], got [2, 3]",
                        [] {
                          kl_divergence(x({2, 3}), x({2, 4}));
                        }),
      error<ShapeError>("mean_squared_error",
                        "[mean_squared_error] expected y of shape [2, 3], got [3]",
                        [] {
                          mean_squared_error(x({2, 3}), x({3}));
                        }),
      error<ValueError>("mean_squared_error",
                        "[mean_squared_error] expected at least one element, got [0, 3]",
                        [] {
                          mean_squared_error(x({0, 3}), x({0, 3}));
                        }),
  };
}

std::vector<ErrorCase> layout_errors() {
  const auto parts = [](std::vector<Shape> shapes, int axis) {
    return [=] {
      std::vector<Tensor> tensors;
      for (const Shape& shape : shapes) tensors.push_back(x(shape));
      concat(tensors, axis);
    };
  };
  return {
      error<ValueError>("concat", "[concat] expected at least one tensor, got none", parts({}, 0)),
      error<ShapeError>("concat",
                        "[concat] expected parts like [2, 3] in all axes but 0, got [2, 4]",
                        parts({{2, 3}, {2, 4}}, 0)),
      error<ShapeError>("concat", "[concat] expected parts like [2, 3] in all axes but 1, got [2]",
                        parts({{2, 3}, {2}}, 1)),
      error<ShapeError>("concat", "[concat] expected an axis in [-2, 2) for shape [2, 3], got 2",
                        parts({{2, 3}}, 2)),
      error<ShapeError>("narrow",
                        "[narrow] expected a range inside [0, 3) of axis 1, got begin 2 and "
                        "length 2",
                        [] {
                          narrow(x({2, 3}), -1, 2, 2);
                        }),
      error<ShapeError>("narrow",
                        "[narrow] expected a range inside [0, 2) of axis 0, got begin -1 and "
                        "length 1",
                        [] {
                          narrow(x({2, 3}), 0, -1, 1);
                        }),
      error<ShapeError>("narrow",
                        "[narrow] expected a range inside [0, 2) of axis 0, got begin 1 and "
                        "length 9223372036854775807",
                        [] {
                          narrow(x({2, 3}), 0, 1, INT64_MAX);
                        }),
      error<ShapeError>("gather_rows", "[gather_rows] expected x of shape [R, ...], got []",
                        [] { gather_rows(x({}), labels({0})); }),
      error<DTypeError>("gather_rows",
                        "[gather_rows] expected indices of int64, got float32 [1] on cpu",
                        [] {
                          gather_rows(x({2, 3}), x({1}));
                        }),
      error<ValueError>("gather_rows", "[gather_rows] expected indices in [0, 2), got 2 at 1",
                        [] {
                          gather_rows(x({2, 3}), labels({1, 2}));
                        }),
      error<ShapeError>("reshape", "[reshape] expected a shape of 6 elements, got [4, 2]",
                        [] {
                          x({2, 3}).reshape({4, 2});
                        }),
      error<ShapeError>("slice", "[slice] expected 0 <= begin <= end <= 2, got [1, 3)",
                        [] {
                          x({2, 3}).slice(1, 3);
                        }),
  };
}

}  // namespace

const std::vector<ErrorCase>& error_cases() {
  static const std::vector<ErrorCase> errors = [] {
    std::vector<ErrorCase> all;
    for (const auto& family :
         {elementwise_errors(), reduce_errors(), matmul_errors(), conv2d_errors(), pool2d_errors(),
          normalize_errors(), softmax_errors(), layout_errors()})
      all.insert(all.end(), family.begin(), family.end());
    return all;
  }();
  return errors;
}

}  // namespace hebb::test
