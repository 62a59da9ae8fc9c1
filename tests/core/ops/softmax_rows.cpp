#include <algorithm>
#include <cmath>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

Array log_softmax_of(const Array& x, int axis = -1) {
  Array y = x;
  axis = axis < 0 ? axis + x.shape.rank() : axis;
  const int64_t c = x.shape[axis], step = x.shape.product(axis + 1, x.shape.rank());
  for (int64_t first = 0; first < x.shape.numel(); ++first) {
    if (first / step % c != 0) continue;
    const auto at = [&](int64_t i) -> double& { return y.values[size_t(first + i * step)]; };
    double top = at(0), sum = 0;
    for (int64_t i = 1; i < c; ++i) top = std::max(top, at(i));
    for (int64_t i = 0; i < c; ++i) sum += std::exp(at(i) - top);
    for (int64_t i = 0; i < c; ++i) at(i) -= top + std::log(sum);
  }
  return y;
}

Array softmax_of(const Array& x, int axis) {
  Array y = log_softmax_of(x, axis);
  for (double& value : y.values) value = std::exp(value);
  return y;
}

// Mean over rows of weight_n Σ_c term(target, log q).
template <class Term>
Array mean_over_rows(const Array& logits, std::span<const Array> weights, Term term) {
  const Array log_q = log_softmax_of(logits);
  Array y{Shape()};
  for (int64_t n = 0; n < logits.shape[0]; ++n)
    for (int64_t c = 0; c < logits.shape[1]; ++c)
      y.values[0] += (weights.empty() ? 1 : weights[0](n)) * term(n, c, log_q(n, c));
  y.values[0] /= double(logits.shape[0]);
  return y;
}

struct LossOptions {
  double smoothing = 0;
  bool weighted = false;
  std::optional<int64_t> ignored = {};
  Reduction reduction = Reduction::mean;
};

// As defined, label by label.
Array cross_entropy_of(std::span<const Array> x, const LossOptions& o) {
  const Array log_q = log_softmax_of(x[0], 1);
  const Shape& shape = x[0].shape;
  const int64_t classes = shape[1], inner = shape.product(2, shape.rank());
  Array losses(shape.without(1)), total{Shape()};
  double weights = 0;
  for (int64_t i = 0; i < losses.shape.numel(); ++i) {
    const auto label = int64_t(x[1].values[size_t(i)]);
    if (label == o.ignored) continue;
    const auto weight = [&](int64_t c) { return o.weighted ? x[2](c) : 1; };
    weights += weight(label);
    for (int64_t c = 0; c < classes; ++c)
      losses.values[size_t(i)] -=
          weight(c) * ((1 - o.smoothing) * double(c == label) + o.smoothing / double(classes)) *
          log_q.values[size_t((i / inner * classes + c) * inner + i % inner)];
    total.values[0] += losses.values[size_t(i)];
  }
  if (o.reduction == Reduction::none) return losses;
  if (o.reduction == Reduction::mean) total.values[0] /= weights;
  return total;
}

void add_cross_entropy(std::vector<OpCase>& cases) {
  const auto row = [&](const char* name, const Shape& logits, const LossOptions& o) {
    std::vector<OperandSpec> operands{{logits}, {logits.without(1), Fill::integers, logits[1]}};
    if (o.weighted)
      operands.push_back({{logits[1]}, Fill::positive, 0, /* grad */ false, /* optional */ true});
    cases.push_back({.op = "cross_entropy",
                     .name = name,
                     .operands = operands,
                     .call =
                         [=](auto x) {
                           return cross_entropy(x[0], x[1],
                                                {.label_smoothing = o.smoothing,
                                                 .weight = o.weighted ? x[2] : Tensor(),
                                                 .ignore_index = o.ignored,
                                                 .reduction = o.reduction});
                         },
                     .reference = [=](auto x) { return cross_entropy_of(x, o); },
                     .large = logits.numel() > 10000});
  };
  row("sum", {7, 10}, {.reduction = Reduction::sum});
  row("none", {7, 10}, {.reduction = Reduction::none});
  row("weights of classes", {7, 10}, {.weighted = true});
  row("weights of classes, sum", {7, 10}, {.weighted = true, .reduction = Reduction::sum});
  row("weights of classes, label smoothing", {7, 5}, {.smoothing = 0.1, .weighted = true});
  row("an ignored label", {9, 3}, {.ignored = 1});
  row("a label to ignore that does not occur", {7, 10}, {.ignored = -100});
  row("an ignored label, none", {9, 3}, {.ignored = 2, .reduction = Reduction::none});
  row("images", {2, 3, 4, 5}, {});
  row("images, label smoothing, none", {2, 3, 4, 5},
      {.smoothing = 0.2, .reduction = Reduction::none});
  row("sequences, with all", {3, 4, 6}, {.smoothing = 0.3, .weighted = true, .ignored = 0});
  row("volumes, sum", {2, 3, 2, 2, 3}, {.weighted = true, .reduction = Reduction::sum});
  row("large, images, with all", {7, 19, 21, 20},
      {.smoothing = 0.1, .weighted = true, .ignored = 3});
  row("large, none", {5003, 37}, {.weighted = true, .reduction = Reduction::none});

  const auto replicas_row = [&](int64_t replicas, const Shape& logits, double smoothing) {
    row(smoothing == 0 ? "a mean" : "a mean, label smoothing", logits, {.smoothing = smoothing});
    cases.push_back(replicated(cases.back(), replicas));
    cases.back().call = [smoothing](auto x) {
      return cross_entropy(x[0], x[1], {.label_smoothing = smoothing, .replicas = true});
    };
  };
  replicas_row(1, {7, 10}, 0);
  replicas_row(2, {1, 10}, 0);
  replicas_row(3, {5, 3}, 0.2);
  replicas_row(2, {301, 37}, 0.1);
}

std::vector<OpCase> softmax_rows() {
  std::vector<OpCase> cases;
  const auto softmax_rows = [&](const char* name, const Shape& shape, int axis = -1) {
    const bool large = shape.numel() > 10000;
    cases.push_back({.op = "softmax",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return softmax(x[0], axis); },
                     .reference = [=](auto x) { return softmax_of(x[0], axis); },
                     .large = large});
    cases.push_back({.op = "log_softmax",
                     .name = name,
                     .operands = {{shape}},
                     .call = [=](auto x) { return log_softmax(x[0], axis); },
                     .reference = [=](auto x) { return log_softmax_of(x[0], axis); },
                     .large = large});
  };
  softmax_rows("a batch", {4, 10});
  softmax_rows("one row", {5});
  softmax_rows("three axes", {2, 3, 17});
  softmax_rows("one class", {3, 1});
  softmax_rows("empty batch", {0, 10});
  softmax_rows("columns", {5, 7}, 0);
  softmax_rows("channels", {2, 5, 3, 4}, 1);
  softmax_rows("channels of an empty batch", {0, 5, 3}, -2);
  softmax_rows("large", {5003, 37});
  softmax_rows("large, channels", {11, 19, 31, 7}, -3);

  const auto label_row = [&](const char* name, int64_t n, int64_t classes, double smoothing) {
    cases.push_back(
        {.op = "cross_entropy",
         .name = name,
         .operands = {{{n, classes}}, {{n}, Fill::integers, classes}},
         .call = [=](auto x) { return cross_entropy(x[0], x[1], {.label_smoothing = smoothing}); },
         .reference =
             [=](auto x) {
               return mean_over_rows(x[0], {}, [&](int64_t i, int64_t c, double log_q) {
                 const double one_hot = double(c) == x[1](i);
                 return -log_q * ((1 - smoothing) * one_hot + smoothing / double(classes));
               });
             },
         .large = n * classes > 10000});
  };
  label_row("a batch", 7, 10, 0);
  label_row("label smoothing", 7, 10, 0.1);
  label_row("one sample", 1, 10, 0);
  label_row("one class", 3, 1, 0);
  label_row("many classes", 3, 101, 0.2);
  label_row("large", 5003, 37, 0);
  label_row("large, label smoothing", 5003, 37, 0.1);

  add_cross_entropy(cases);

  const auto soft_rows = [&](const char* name, int64_t n, int64_t classes, bool weighted) {
    const OperandSpec logits{{n, classes}};
    const OperandSpec targets{{n, classes}, Fill::rows, 0, false};
    const OperandSpec weights{{n}, Fill::positive, 0, false, true};
    std::vector<OperandSpec> soft{logits, targets}, divergence{targets, logits};
    if (weighted) {
      soft.push_back(weights);
      divergence.push_back(weights);
    }
    const bool large = n * classes > 10000;
    cases.push_back(
        {.op = "cross_entropy_soft",
         .name = name,
         .operands = soft,
         .call = [=](auto x) { return cross_entropy_soft(x[0], x[1], weighted ? x[2] : Tensor()); },
         .reference =
             [](auto x) {
               return mean_over_rows(x[0], x.subspan(2), [&](int64_t i, int64_t c, double log_q) {
                 return -x[1](i, c) * log_q;
               });
             },
         .large = large});
    cases.push_back(
        {.op = "kl_divergence",
         .name = name,
         .operands = divergence,
         .call = [=](auto x) { return kl_divergence(x[0], x[1], weighted ? x[2] : Tensor()); },
         .reference =
             [](auto x) {
               return mean_over_rows(x[1], x.subspan(2), [&](int64_t i, int64_t c, double log_q) {
                 const double p = x[0](i, c);
                 return p > 0 ? p * (std::log(p) - log_q) : 0;
               });
             },
         .large = large});
  };
  soft_rows("a batch", 5, 7, false);
  soft_rows("weighted", 5, 7, true);
  soft_rows("one sample", 1, 10, false);
  soft_rows("one class", 3, 1, true);
  soft_rows("large, weighted", 5003, 37, true);

  const auto squared_row = [&](const char* name, const Shape& shape) {
    cases.push_back({.op = "mean_squared_error",
                     .name = name,
                     .operands = {{shape}, {shape}},
                     .call = [](auto x) { return mean_squared_error(x[0], x[1]); },
                     .reference =
                         [](auto x) {
                           Array y{Shape()};
                           for (size_t i = 0; i < x[0].values.size(); ++i)
                             y.values[0] += std::pow(x[0].values[i] - x[1].values[i], 2) /
                                            double(x[0].values.size());
                           return y;
                         },
                     .large = shape.numel() > 10000});
  };
  squared_row("a matrix", {3, 5});
  squared_row("a scalar", {});
  squared_row("large", {300, 1003});
  return cases;
}

std::vector<ErrorCase> softmax_errors() {
  std::vector<ErrorCase> errors{
      error<ShapeError>("softmax", "expected an axis in [0, 0) for shape [], got -1",
                        [] { softmax(ones({})); }),
      error<ShapeError>("softmax", "expected elements along axis 0, got [0, 2]",
                        [] {
                          softmax(ones({0, 2}), -2);
                        }),
      error<ShapeError>("log_softmax", "expected elements along axis 1, got [2, 0]",
                        [] {
                          log_softmax(ones({2, 0}));
                        }),
      error<ShapeError>("cross_entropy", "expected logits of shape [N, C] or [N, C, ...], got [3]",
                        [] { cross_entropy(ones({3}), labels({0})); }),
      error<ShapeError>("cross_entropy", "expected logits of shape [R, N, C], got [2, 4]",
                        [] {
                          cross_entropy(ones({2, 4}), labels({0, 1}), {.replicas = true});
                        }),
      error<ShapeError>("cross_entropy", "expected labels of shape [3, 2], got [2]",
                        [] {
                          cross_entropy(ones({3, 2, 4}), labels({0, 1}), {.replicas = true});
                        }),
      error<ValueError>(
          "cross_entropy", "expected the mean over all labels and classes for replicas",
          [] {
            cross_entropy(ones({1, 2, 4}), labels({0, 1}), {.ignore_index = 1, .replicas = true});
          }),
      error<ShapeError>("cross_entropy", "expected labels of shape [2, 4, 5], got [2]",
                        [] {
                          cross_entropy(ones({2, 3, 4, 5}), labels({0, 1}));
                        }),
      error<ShapeError>("cross_entropy", "expected weight of shape [4], got [2]",
                        [] {
                          cross_entropy(ones({2, 4}), labels({0, 1}), {.weight = ones({2})});
                        }),
      error<ValueError>(
          "cross_entropy", "expected labels in [0, 4), got -1 at row 1",
          [] {
            cross_entropy(ones({3, 4}), labels({-100, -1, 0}), {.ignore_index = -100});
          }),
      error<ShapeError>("cross_entropy", "expected labels of shape [2], got [3]",
                        [] {
                          cross_entropy(ones({2, 4}), labels({0, 1, 2}));
                        }),
      error<DTypeError>("cross_entropy", "expected labels of int64, got float32 [2] on cpu",
                        [] {
                          cross_entropy(ones({2, 4}), ones({2}));
                        }),
      error<ValueError>("cross_entropy", "expected a batch of at least one row, got logits [0, 4]",
                        [] {
                          cross_entropy(ones({0, 4}), labels({}));
                        }),
      error<ValueError>("cross_entropy", "expected label_smoothing in [0, 1), got 1",
                        [] {
                          cross_entropy(ones({1, 4}), labels({0}), {.label_smoothing = 1});
                        }),
      error<ValueError>("cross_entropy", "expected labels in [0, 4), got 4 at row 1",
                        [] {
                          cross_entropy(ones({3, 4}), labels({3, 4, 0}));
                        }),
      error<ValueError>("cross_entropy", "expected labels in [0, 4), got -1 at row 0",
                        [] {
                          cross_entropy(ones({1, 4}), labels({-1}));
                        }),
      error<ShapeError>("cross_entropy_soft", "expected targets of shape [2, 4], got [2]",
                        [] {
                          cross_entropy_soft(ones({2, 4}), ones({2}));
                        }),
      error<ShapeError>("cross_entropy_soft", "expected weights of shape [2], got [4]",
                        [] {
                          cross_entropy_soft(ones({2, 4}), ones({2, 4}), ones({4}));
                        }),
      error<ShapeError>("kl_divergence", "expected p of shape [2, 4], got [2, 3]",
                        [] {
                          kl_divergence(ones({2, 3}), ones({2, 4}));
                        }),
      error<ShapeError>("mean_squared_error", "expected y of shape [2, 3], got [3]",
                        [] {
                          mean_squared_error(ones({2, 3}), ones({3}));
                        }),
      error<ValueError>("mean_squared_error", "expected at least one element, got [0, 3]",
                        [] {
                          mean_squared_error(ones({0, 3}), ones({0, 3}));
                        }),
  };
  add_unary_errors(errors, "softmax", [](const Tensor& x) { return softmax(x); });
  add_unary_errors(errors, "log_softmax", [](const Tensor& x) { return log_softmax(x); });
  return errors;
}

}  // namespace

OpFamily softmax_family() { return {softmax_rows(), softmax_errors()}; }

}  // namespace hebb::test
