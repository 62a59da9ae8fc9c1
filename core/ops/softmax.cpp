#include "core/ops/softmax.hpp"

#include <limits>
#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"
#include "core/ops/layout.hpp"

namespace hebb {
namespace {

// f over the last axis, as if it were over `axis`.
template <class F>
Tensor along(const char* where, const Tensor& values, int axis, F&& f) {
  const Tensor x = widened(values);
  check_operands(where, {{"x", x}});
  axis = filled_axis(where, x, axis);
  return axis == x.rank() - 1 ? f(x) : transpose(f(transpose(x, axis, -1)), axis, -1);
}

void check_logits(const char* where, const Tensor& logits) {
  check_operands(where, {{"logits", logits}});
  check<ShapeError>(logits.rank() == 2 && logits.size(1) > 0,
                    "[{}] expected logits of shape [N, C], got {}", where, logits.shape());
  check(logits.size(0) > 0, "[{}] expected a batch of at least one row, got logits {}", where,
        logits.shape());
}

void check_soft(const char* where, const Tensor& logits, Operand targets, const Tensor& weights) {
  check_logits(where, logits);
  check_operands(where, {{"logits", logits}, targets});
  check_shape(where, targets, logits.shape());
  if (!weights.defined()) return;
  check_operands(where, {{"logits", logits}, {"weights", weights}});
  check_shape(where, {"weights", weights}, {logits.size(0)});
}

// A loss whose gradient came with its value.
Tensor record_loss(const char* name, const Tensor& value, const Tensor& logits,
                   const Tensor& grad) {
  return record(name, value, {logits},
                [grad](const Tensor& dy) { return Grads{backend_of(dy)->scale_by(grad, dy)}; });
}

bool wants_grad(const Tensor& x) { return grad_enabled() && x.requires_grad(); }

void check_labels(const Tensor& logits, const Tensor& labels, const CrossEntropyOptions& options) {
  check_operands("cross_entropy", {{"logits", logits}});
  if (options.replicas) {
    check_rank("cross_entropy", {"logits", logits}, 3, "[R, N, C]");
    check(
        !options.weight.defined() && !options.ignore_index && options.reduction == Reduction::mean,
        "[cross_entropy] expected the mean over all labels and classes for replicas");
  }
  check<ShapeError>(logits.rank() >= 2 && logits.size(1) > 0,
                    "[cross_entropy] expected logits of shape [N, C] or [N, C, ...], got {}",
                    logits.shape());
  check(logits.numel() > 0, "[cross_entropy] expected a batch of at least one row, got logits {}",
        logits.shape());
  check_integers("cross_entropy", {"labels", labels}, logits);
  check_shape("cross_entropy", {"labels", labels},
              logits.shape().without(options.replicas ? 2 : 1));
  check(options.label_smoothing >= 0 && options.label_smoothing < 1,
        "[cross_entropy] expected label_smoothing in [0, 1), got {}", options.label_smoothing);
  if (!options.weight.defined()) return;
  check_operands("cross_entropy", {{"logits", logits}, {"weight", options.weight}});
  check_shape("cross_entropy", {"weight", options.weight}, {logits.size(1)});
}

// [N, C, ...] as rows of classes.
Tensor classes_last(const Tensor& logits) {
  if (logits.rank() == 2) return logits;
  std::vector<int> order{0};
  for (int axis = 2; axis < logits.rank(); ++axis) order.push_back(axis);
  order.push_back(1);
  return permute(logits, order).reshape({-1, logits.size(1)});
}

// The cross-entropy in its general form: every row's loss and gradient, reduced as asked for.
Tensor loss_of_rows(const Tensor& logits, const Tensor& labels,
                    const CrossEntropyOptions& options) {
  const ActiveBackend backend = backend_of(logits);
  const auto [losses, grad, weights] = backend->cross_entropy_rows(
      logits, labels.view({logits.size(0)}), options.weight, options.label_smoothing,
      options.ignore_index, wants_grad(logits));
  if (options.reduction == Reduction::none)
    return record("cross_entropy", losses.view(labels.shape()), {logits},
                  [grad = grad](const Tensor& dy) {
                    const Tensor column = dy.view({grad.size(0), 1});
                    return Grads{backend_of(dy)->binary(Binary::mul, grad, column, grad.shape())};
                  });
  const Tensor total = backend->reduce(Reduce::sum, losses, {}, 0b1);
  if (options.reduction == Reduction::sum) return record_loss("cross_entropy", total, logits, grad);
  const Tensor weight = backend->reduce(Reduce::sum, weights, {}, 0b1);
  return record("cross_entropy", backend->binary(Binary::div, total, weight, {}), {logits},
                [grad = grad, weight](const Tensor& dy) {
                  const ActiveBackend b = backend_of(dy);
                  return Grads{b->scale_by(grad, b->binary(Binary::div, dy, weight, {}))};
                });
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  return along("softmax", x, axis, [](const Tensor& rows) {
    const Tensor y = backend_of(rows)->softmax(rows);
    return record("softmax", y, {rows},
                  [y](const Tensor& dy) { return Grads{backend_of(dy)->softmax_backward(dy, y)}; });
  });
}

Tensor log_softmax(const Tensor& x, int axis) {
  return along("log_softmax", x, axis, [](const Tensor& rows) {
    const Tensor y = backend_of(rows)->log_softmax(rows);
    return record("log_softmax", y, {rows}, [y](const Tensor& dy) {
      return Grads{backend_of(dy)->log_softmax_backward(dy, y)};
    });
  });
}

Tensor cross_entropy(const Tensor& scores, const Tensor& labels,
                     const CrossEntropyOptions& options) {
  const Tensor logits = widened(scores);
  check_labels(logits, labels, options);
  const bool plain =
      options.replicas || (logits.rank() == 2 && !options.weight.defined() &&
                           !options.ignore_index && options.reduction == Reduction::mean);
  if (!plain) return loss_of_rows(classes_last(logits), labels, options);
  const Backend::WithGrad loss = backend_of(logits)->cross_entropy(
      logits, labels, options.label_smoothing, wants_grad(logits));
  return record_loss("cross_entropy", loss.value, logits, loss.grad);
}

Tensor cross_entropy_soft(const Tensor& scores, const Tensor& distributions,
                          const Tensor& of_rows) {
  const Tensor logits = widened(scores), targets = widened(distributions),
               weights = widened(of_rows);
  check_soft("cross_entropy_soft", logits, {"targets", targets}, weights);
  const Backend::WithGrad loss =
      backend_of(logits)->cross_entropy_soft(logits, targets, weights, wants_grad(logits));
  return record_loss("cross_entropy_soft", loss.value, logits, loss.grad);
}

Tensor mean_squared_error(const Tensor& left, const Tensor& right) {
  const Tensor x = widened(left), y = widened(right);
  check_operands("mean_squared_error", {{"x", x}, {"y", y}});
  check_shape("mean_squared_error", {"y", y}, x.shape());
  check(x.numel() > 0, "[mean_squared_error] expected at least one element, got {}", x.shape());
  const ActiveBackend backend = backend_of(x);
  const Tensor difference = backend->binary(Binary::sub, x, y, x.shape());
  const uint32_t all_axes = (uint32_t(1) << x.rank()) - 1;
  const double n = double(x.numel());
  const Tensor value =
      backend->affine(backend->reduce(Reduce::sum_square, difference, {}, all_axes), 1 / n, 0);
  return record(
      "mean_squared_error", value, {x, y}, [difference, n](const Tensor& dy, Needs needs) {
        const ActiveBackend b = backend_of(dy);
        const Tensor dx = b->scale_by(b->affine(difference, 2 / n, 0), dy);
        return Grads{needs[0] ? dx : Tensor(), needs[1] ? b->unary(Unary::neg, dx) : Tensor()};
      });
}

Tensor kl_divergence(const Tensor& distributions, const Tensor& scores, const Tensor& of_rows) {
  const Tensor p = widened(distributions), logits = widened(scores), weights = widened(of_rows);
  check_soft("kl_divergence", logits, {"p", p}, weights);
  const ActiveBackend backend = backend_of(logits);
  const Backend::WithGrad loss =
      backend->cross_entropy_soft(logits, p, weights, wants_grad(logits));
  // KL(p ‖ q) = H(p, q) - H(p, p), and softmax(log p) = p. The shift makes 0 log 0 = 0.
  const Tensor log_p =
      backend->unary(Unary::log, backend->affine(p, 1, double(std::numeric_limits<float>::min())));
  const Tensor entropy = backend->cross_entropy_soft(log_p, p, weights, false).value;
  const Tensor value = backend->binary(Binary::sub, loss.value, entropy, {});
  return record_loss("kl_divergence", value, logits, loss.grad);
}

}  // namespace hebb
