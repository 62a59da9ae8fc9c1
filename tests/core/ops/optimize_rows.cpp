#include <algorithm>
#include <cmath>

#include "tests/core/ops/table.hpp"

namespace hebb::test {
namespace {

/// One step of one element: the parameter and its moments change.
struct Element {
  double p, g, m = 0, v = 0;
};

// What all rows have: the second step and those after it differ from the first.
constexpr double lr = 0.1;
constexpr int64_t steps_before = 1;
constexpr double product_before = 0.7;  // of NAdam's momenta

void sgd(Element& e, const SgdRule& s, int64_t t) {
  const double g = e.g + s.weight_decay * e.p;
  e.m = t == 1 ? g : s.momentum * e.m + (1 - s.dampening) * g;
  const double direction = s.momentum == 0 ? g : s.nesterov ? g + s.momentum * e.m : e.m;
  e.p -= lr * direction;
}

// Moves the means along; returns the gradient with its decay.
double means(Element& e, const AdamRule& s) {
  e.p *= s.decoupled ? 1 - lr * s.weight_decay : 1;
  const double g = e.g + (s.decoupled ? 0 : s.weight_decay * e.p);
  e.m = s.beta1 * e.m + (1 - s.beta1) * g;
  e.v = s.beta2 * e.v + (1 - s.beta2) * g * g;
  return g;
}

double corrected(double mean, double beta, int64_t t) { return mean / (1 - std::pow(beta, t)); }

void adam(Element& e, const AdamRule& s, int64_t t) {
  means(e, s);
  e.p -= lr * corrected(e.m, s.beta1, t) / (std::sqrt(corrected(e.v, s.beta2, t)) + s.epsilon);
}

void nadam(Element& e, const NadamRule& s, int64_t t) {
  const auto mu = [&](int64_t i) {
    return s.adam.beta1 * (1 - std::pow(0.96, double(i) * s.momentum_decay) / 2);
  };
  const double g = means(e, s.adam), product = product_before * mu(t);
  const double step = (1 - mu(t)) * g / (1 - product) + mu(t + 1) * e.m / (1 - product * mu(t + 1));
  e.p -= lr * step / (std::sqrt(corrected(e.v, s.adam.beta2, t)) + s.adam.epsilon);
}

/// Where a row's step runs; anywhere that exists, where its operands are to be refused.
Device device_of(const Tensor& parameter, const Tensor& grad) {
  const bool together =
      parameter.defined() && grad.defined() && parameter.device() == grad.device();
  return together ? grad.device() : test_device();
}

/// What a step is called with: x are parameter and moments.
OptimizerSlot slot_of(const std::vector<Tensor>& x, const Tensor& grad, int64_t steps) {
  const Device device = device_of(x[0], grad);
  OptimizerSlot slot;
  slot.parameter = x[0];
  slot.grad = grad;
  for (size_t i = 1; i < x.size(); ++i) slot.moments[i - 1] = x[i];
  slot.steps = Tensor::from<int64_t>({steps}, {}, device);
  slot.mu_product = Tensor::scalar(product_before, {DType::float64, device});
  return slot;
}

StepScalars scalars(Device device) { return {Tensor::scalar(lr, {DType::float64, device}), {}}; }

/// The operands are parameter, gradient and moments; the result is all that changed, in a row.
template <class Call, class Reference>
OpCase row(const char* op, const char* name, const Shape& shape, size_t moments, Call call,
           Reference step) {
  std::vector<OperandSpec> operands(2, {shape, Fill::normal, 0, false});
  operands[1].optional = true;  // without a gradient a parameter stays
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
  const auto sgd_row = [&](const char* name, const Shape& shape, const SgdRule& rule,
                           int64_t steps = steps_before) {
    const size_t moments = rule.momentum != 0;
    cases.push_back(row(
        "sgd_step", name, shape, moments,
        [=](const std::vector<Tensor>& x, const Tensor& grad) {
          const OptimizerSlot slot = slot_of(x, grad, steps);
          sgd_step({&slot, 1}, scalars(slot.steps.device()), rule);
        },
        [=](Element& e) { sgd(e, rule, steps + 1); }));
  };
  sgd_row("plain", small, {});
  sgd_row("decay", small, {.weight_decay = 0.3});
  sgd_row("momentum", small, {.momentum = 0.9, .dampening = 0.2, .weight_decay = 0.1});
  sgd_row("the first with momentum", small, {.momentum = 0.9}, 0);
  sgd_row("Nesterov", small, {.momentum = 0.9, .nesterov = true});
  sgd_row("one element", {1}, {.momentum = 0.9});
  sgd_row("empty", {0, 3}, {.momentum = 0.9});
  sgd_row("large", large, {.momentum = 0.9, .nesterov = true});

  const AdamRule rule{.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-3, .weight_decay = 0.2};
  AdamRule decoupled = rule;
  decoupled.decoupled = true;
  const auto adam_rows = [&](const char* name, const Shape& shape, const AdamRule& r) {
    cases.push_back(row(
        "adam_step", name, shape, 2,
        [=](const std::vector<Tensor>& x, const Tensor& grad) {
          const OptimizerSlot slot = slot_of(x, grad, steps_before);
          adam_step({&slot, 1}, scalars(slot.steps.device()), r);
        },
        [=](Element& e) { adam(e, r, steps_before + 1); }));
    const NadamRule n{r, 0.05};
    cases.push_back(row(
        "nadam_step", name, shape, 2,
        [=](const std::vector<Tensor>& x, const Tensor& grad) {
          const OptimizerSlot slot = slot_of(x, grad, steps_before);
          nadam_step({&slot, 1}, scalars(slot.steps.device()), n);
        },
        [=](Element& e) { nadam(e, n, steps_before + 1); }));
  };
  adam_rows("decay in the gradient", small, rule);
  adam_rows("decay of the weights", small, decoupled);
  adam_rows("one element", {1}, rule);
  adam_rows("empty", {0, 3}, rule);
  adam_rows("large", large, rule);

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
  const auto scale_row = [&](const char* name, const Shape& a, double limit) {
    cases.push_back({.op = "clip_scale",
                     .name = name,
                     .operands = {{a, Fill::normal, 0, false}, {{7}, Fill::normal, 0, false}},
                     .call = [=](auto x) { return clip_scale(x, limit).to(x[0].dtype()); },
                     .reference =
                         [=](auto x) {
                           double squares = 0;
                           for (const Array& grad : x)
                             for (const double g : grad.values) squares += g * g;
                           Array y(Shape{});
                           y.values[0] = std::min(1.0, limit / (std::sqrt(squares) + 1e-6));
                           return y;
                         },
                     .large = a.numel() > 10000});
  };
  scale_row("over the limit", {3, 5}, 1.5);
  scale_row("under the limit", {3, 5}, 100);
  scale_row("empty", {0, 5}, 1.5);
  scale_row("large", {301, 503}, 2);
  clip_row("over the limit", {3, 5}, {7}, 1.5);
  clip_row("under the limit", {3, 5}, {7}, 100);
  clip_row("large", {301, 503}, {70001}, 2);
  return cases;
}

std::vector<ErrorCase> optimize_errors() {
  const Tensor p = ones({3}), other = ones({4});
  const auto slots = [=](const Tensor& parameter, const Tensor& m, const Tensor& v) {
    std::vector<OptimizerSlot> all(1);
    all[0] = {parameter,
              p,
              {m, v},
              Tensor::zeros({}, {DType::int64}),
              Tensor::ones({}, {DType::float64})};
    return all;
  };
  const auto two = [=](const OptimizerSlot& second) {
    std::vector<OptimizerSlot> all = slots(p, p, p);
    all.push_back(second);
    return all;
  };
  OptimizerSlot wide = slots(p, p, p)[0], uncounted = wide, no_product = wide;
  for (Tensor* x : {&wide.parameter, &wide.grad, &wide.moments[0], &wide.moments[1]})
    *x = x->to(DType::float64);
  uncounted.steps = Tensor::zeros({}, {DType::float64});
  no_product.mu_product = {};
  const StepScalars fine = scalars(Device::cpu()), narrow{Tensor::scalar(1), {}};
  const StepScalars many{fine.lr, Tensor::ones({2}, {DType::float64})};
  return {
      error<ShapeError>("sgd_step", "expected parameter of shape [3], got [4]",
                        [=] { sgd_step(slots(other, p, p), fine, {}); }),
      error<ShapeError>("sgd_step", "expected momentum of shape [3], got [4]",
                        [=] { sgd_step(slots(p, other, p), fine, {.momentum = 0.5}); }),
      error<DTypeError>("sgd_step", "expected lr of type float64, got float32 [] on cpu",
                        [=] { sgd_step(slots(p, p, p), narrow, {}); }),
      error<ShapeError>("sgd_step", "expected grad_scale of shape [], got [2]",
                        [=] { sgd_step(slots(p, p, p), many, {}); }),
      error<DTypeError>("sgd_step",
                        "expected every gradient of the same type as the first gradient (float32 "
                        "[3] on cpu), got float64 [3] on cpu",
                        [=] { sgd_step(two(wide), fine, {}); }),
      error<ShapeError>("adam_step", "expected v of shape [3], got [4]",
                        [=] { adam_step(slots(p, p, other), fine, {}); }),
      error<DTypeError>("adam_step", "expected steps of type int64, got float64 [] on cpu",
                        [=] { adam_step(two(uncounted), fine, {}); }),
      error<ShapeError>("nadam_step", "expected m of shape [3], got [4]",
                        [=] { nadam_step(slots(p, other, p), fine, {}); }),
      error<ValueError>("nadam_step", "expected mu_product, got an undefined tensor",
                        [=] { nadam_step(two(no_product), fine, {}); }),
      error<ValueError>("clip_scale", "expected at least one gradient, got none",
                        [] { clip_scale({}, 1); }),
      error<ValueError>("clip_scale", "expected a limit over 0, got -1",
                        [=] { clip_scale(std::span(&p, 1), -1); }),
      error<ValueError>("clip_norm", "expected at least one gradient, got none",
                        [] { clip_norm({}, 1); }),
      error<ValueError>("clip_norm", "expected a limit over 0, got 0",
                        [=] { clip_norm(std::span(&p, 1), 0); }),
  };
}

}  // namespace

OpFamily optimize_family() { return {optimize_rows(), optimize_errors()}; }

}  // namespace hebb::test
