#include <algorithm>
#include <cmath>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

/// One step of one element: the parameter and its moments change.
struct Element {
  double p, g, m = 0, v = 0;
};

void sgd(Element& e, const SgdStep& s) {
  const double g = e.g + s.weight_decay * e.p;
  e.m = s.first ? g : s.momentum * e.m + (1 - s.dampening) * g;
  const double direction = s.momentum == 0 ? g : s.nesterov ? g + s.momentum * e.m : e.m;
  e.p -= s.lr * direction;
}

// Moves the means along; returns the gradient with its decay.
double means(Element& e, const AdamStep& s) {
  e.p *= s.decoupled ? 1 - s.lr * s.weight_decay : 1;
  const double g = e.g + (s.decoupled ? 0 : s.weight_decay * e.p);
  e.m = s.beta1 * e.m + (1 - s.beta1) * g;
  e.v = s.beta2 * e.v + (1 - s.beta2) * g * g;
  return g;
}

void adam(Element& e, const AdamStep& s) {
  means(e, s);
  e.p -= s.lr * e.m / s.bias_correction1 / (std::sqrt(e.v / s.bias_correction2) + s.epsilon);
}

void nadam(Element& e, const NadamStep& s) {
  const double g = means(e, s.adam);
  const double step =
      (1 - s.mu) * g / (1 - s.mu_product) + s.mu_next * e.m / (1 - s.mu_product * s.mu_next);
  e.p -= s.adam.lr * step / (std::sqrt(e.v / s.adam.bias_correction2) + s.adam.epsilon);
}

/// The operands are parameter, gradient and moments; the result is all that changed, in a row.
template <class Call, class Reference>
OpCase row(const char* op, const char* name, const Shape& shape, size_t moments, Call call,
           Reference step) {
  std::vector<OperandSpec> operands(2, {shape, Fill::normal, 0, false});
  operands.resize(2 + moments, {shape, Fill::positive, 0, false});
  return {.op = op,
          .name = name,
          .operands = operands,
          .call =
              [=](auto x) {
                std::vector<Tensor> changed;
                for (size_t i = 0; i < x.size(); ++i)
                  if (i != 1) changed.push_back(to_change(x[i]));
                call(changed, x[1]);
                return concat(changed);
              },
          .reference =
              [=](auto x) {
                const size_t n = x[0].values.size();
                Array y(shape.with(0, shape[0] * int64_t(1 + moments)));
                for (size_t i = 0; i < n; ++i) {
                  Element e{x[0].values[i], x[1].values[i]};
                  if (moments > 0) e.m = x[2].values[i];
                  if (moments > 1) e.v = x[3].values[i];
                  step(e);
                  y.values[i] = e.p;
                  if (moments > 0) y.values[n + i] = e.m;
                  if (moments > 1) y.values[2 * n + i] = e.v;
                }
                return y;
              },
          .large = shape.numel() > 10000};
}

std::vector<OpCase> optimize_rows() {
  std::vector<OpCase> cases;
  const Shape small{5, 7}, large{301, 503};
  const auto sgd_row = [&](const char* name, const Shape& shape, const SgdStep& step) {
    const size_t moments = step.momentum != 0;
    cases.push_back(row(
        "sgd_step", name, shape, moments,
        [=](const std::vector<Tensor>& x, const Tensor& grad) {
          sgd_step(x[0], grad, moments ? x[1] : Tensor(), step);
        },
        [=](Element& e) { sgd(e, step); }));
  };
  sgd_row("plain", small, {.lr = 0.1});
  sgd_row("decay", small, {.lr = 0.1, .weight_decay = 0.3});
  sgd_row("momentum", small, {.lr = 0.1, .momentum = 0.9, .dampening = 0.2, .weight_decay = 0.1});
  sgd_row("the first with momentum", small, {.lr = 0.1, .momentum = 0.9, .first = true});
  sgd_row("Nesterov", small, {.lr = 0.1, .momentum = 0.9, .nesterov = true});
  sgd_row("one element", {1}, {.lr = 0.1, .momentum = 0.9});
  sgd_row("empty", {0, 3}, {.lr = 0.1, .momentum = 0.9});
  sgd_row("large", large, {.lr = 0.1, .momentum = 0.9, .nesterov = true});

  const AdamStep step{.lr = 0.1,
                      .beta1 = 0.9,
                      .beta2 = 0.99,
                      .epsilon = 1e-3,
                      .weight_decay = 0.2,
                      .bias_correction1 = 0.19,
                      .bias_correction2 = 0.02};
  AdamStep decoupled = step;
  decoupled.decoupled = true;
  const auto adam_rows = [&](const char* name, const Shape& shape, const AdamStep& s) {
    cases.push_back(row(
        "adam_step", name, shape, 2,
        [=](const std::vector<Tensor>& x, const Tensor& grad) {
          adam_step(x[0], grad, x[1], x[2], s);
        },
        [=](Element& e) { adam(e, s); }));
    const NadamStep n{s, 0.8, 0.85, 0.7};
    cases.push_back(row(
        "nadam_step", name, shape, 2,
        [=](const std::vector<Tensor>& x, const Tensor& grad) {
          nadam_step(x[0], grad, x[1], x[2], n);
        },
        [=](Element& e) { nadam(e, n); }));
  };
  adam_rows("decay in the gradient", small, step);
  adam_rows("decay of the weights", small, decoupled);
  adam_rows("one element", {1}, step);
  adam_rows("empty", {0, 3}, step);
  adam_rows("large", large, step);

  // The norm before, then the gradients.
  const auto clip_row = [&](const char* name, const Shape& a, const Shape& b, double limit) {
    cases.push_back({.op = "clip_norm",
                     .name = name,
                     .operands = {{a, Fill::normal, 0, false}, {b, Fill::normal, 0, false}},
                     .call =
                         [=](auto x) {
                           const Tensor grads[] = {to_change(x[0]), to_change(x[1])};
                           const Tensor norm = clip_norm(grads, limit).to(x[0].dtype());
                           return concat(std::vector<Tensor>{
                               norm.reshape({1}), grads[0].reshape({-1}), grads[1].reshape({-1})});
                         },
                     .reference =
                         [=](auto x) {
                           double squares = 0;
                           for (const Array& grad : x)
                             for (const double g : grad.values) squares += g * g;
                           const double norm = std::sqrt(squares);
                           const double scale = std::min(1.0, limit / (norm + 1e-6));
                           Array y({1 + a.numel() + b.numel()});
                           y.values[0] = norm;
                           size_t i = 1;
                           for (const Array& grad : x)
                             for (const double g : grad.values) y.values[i++] = g * scale;
                           return y;
                         },
                     .large = a.numel() > 10000});
  };
  clip_row("over the limit", {3, 5}, {7}, 1.5);
  clip_row("under the limit", {3, 5}, {7}, 100);
  clip_row("large", {301, 503}, {70001}, 2);
  return cases;
}

std::vector<ErrorCase> optimize_errors() {
  const Tensor p = ones({3}), other = ones({4});
  return {
      error<ShapeError>("sgd_step", "expected parameter of shape [3], got [4]",
                        [=] { sgd_step(other, p, {}, {.lr = 1}); }),
      error<ShapeError>("sgd_step", "expected momentum of shape [3], got [4]",
                        [=] { sgd_step(p, p, other, {.lr = 1, .momentum = 0.5}); }),
      error<ShapeError>("adam_step", "expected v of shape [3], got [4]",
                        [=] { adam_step(p, p, p, other, {}); }),
      error<ShapeError>("nadam_step", "expected m of shape [3], got [4]",
                        [=] { nadam_step(p, p, other, p, {}); }),
      error<ValueError>("clip_norm", "expected at least one gradient, got none",
                        [] { clip_norm({}, 1); }),
      error<ValueError>("clip_norm", "expected a limit over 0, got 0",
                        [=] { clip_norm(std::span(&p, 1), 0); }),
  };
}

}  // namespace

OpFamily optimize_family() { return {optimize_rows(), optimize_errors()}; }

}  // namespace hebb::test
