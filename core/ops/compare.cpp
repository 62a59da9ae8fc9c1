#include "core/ops/compare.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"
#include "core/ops/elementwise.hpp"

namespace hebb {
namespace {

Tensor apply(Binary op, const Tensor& a, const Tensor& b) {
  return backend_of(a)->binary(op, a, b, broadcast(a.shape(), b.shape(), "binary"));
}

Tensor compared(Binary op, const char* name, const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  check_operands(name, {{"a", a}, {"b", b}});
  return backend_of(a)->binary(op, a, b, broadcast(a.shape(), b.shape(), name));
}

Tensor stretched_back(const Tensor& dy, const Shape& shape) {
  return dy.shape() == shape ? dy : backend_of(dy)->sum_to(dy, shape);
}

// What of dy goes to the operand that won, which `won` says by strict comparison, `drew` as well by
// a draw.
Tensor share(const Tensor& dy, const Tensor& won, const Tensor& drew, const Shape& shape) {
  const Tensor half = backend_of(dy)->affine(dy, 0.5, 0);
  return stretched_back(
      apply(Binary::add, apply(Binary::keep, half, won), apply(Binary::keep, half, drew)), shape);
}

Tensor extreme(Binary op, const char* name, const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  const Tensor y = compared(op, name, a, b);
  return record(name, y, {a, b},
                [op, a = a.detach(), b = b.detach()](const Tensor& dy, Needs needs) {
                  const bool upper = op == Binary::maximum;
                  const Tensor &low = upper ? b : a, &high = upper ? a : b;
                  Grads grads{Tensor(), Tensor()};
                  if (needs[0])
                    grads[0] = share(dy, apply(Binary::less, low, high),
                                     apply(Binary::less_equal, low, high), a.shape());
                  if (needs[1])
                    grads[1] = share(dy, apply(Binary::less, high, low),
                                     apply(Binary::less_equal, high, low), b.shape());
                  return grads;
                });
}

}  // namespace

Tensor equal(const Tensor& a, const Tensor& b) { return compared(Binary::equal, "equal", a, b); }
Tensor not_equal(const Tensor& a, const Tensor& b) {
  const Tensor same = compared(Binary::equal, "not_equal", a, b);
  return backend_of(same)->affine(same, -1, 1);
}
Tensor less(const Tensor& a, const Tensor& b) { return compared(Binary::less, "less", a, b); }
Tensor less_equal(const Tensor& a, const Tensor& b) {
  return compared(Binary::less_equal, "less_equal", a, b);
}
Tensor greater(const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  check_operands("greater", {{"a", a}, {"b", b}});
  return backend_of(a)->binary(Binary::less, b, a, broadcast(a.shape(), b.shape(), "greater"));
}
Tensor greater_equal(const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  check_operands("greater_equal", {{"a", a}, {"b", b}});
  return backend_of(a)->binary(Binary::less_equal, b, a,
                               broadcast(a.shape(), b.shape(), "greater_equal"));
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  return extreme(Binary::maximum, "maximum", a, b);
}
Tensor minimum(const Tensor& a, const Tensor& b) {
  return extreme(Binary::minimum, "minimum", a, b);
}

Tensor where(const Tensor& chosen, const Tensor& left, const Tensor& right) {
  const Tensor condition = widened(chosen), a = widened(left), b = widened(right);
  check_operands("where", {{"a", a}, {"b", b}, {"condition", condition}});
  const Shape shape =
      broadcast(condition.shape(), broadcast(a.shape(), b.shape(), "where"), "where");
  const Tensor zero = Tensor::zeros({}, condition.options());
  const Tensor otherwise = apply(Binary::equal, condition, zero);
  const Tensor y = backend_of(a)->binary(Binary::add, apply(Binary::keep, a, condition),
                                         apply(Binary::keep, b, otherwise), shape);
  return record("where", y, {a, b},
                [condition = condition.detach(), otherwise, a_shape = a.shape(),
                 b_shape = b.shape()](const Tensor& dy, Needs needs) {
                  Grads grads{Tensor(), Tensor()};
                  if (needs[0])
                    grads[0] = stretched_back(apply(Binary::keep, dy, condition), a_shape);
                  if (needs[1])
                    grads[1] = stretched_back(apply(Binary::keep, dy, otherwise), b_shape);
                  return grads;
                });
}

Tensor clamp(const Tensor& values, double lowest, double highest) {
  const Tensor x = widened(values);
  check_operands("clamp", {{"x", x}});
  check(lowest <= highest, "[clamp] expected bounds in their order, got {} and {}", lowest,
        highest);
  const Tensor low = Tensor::full({}, lowest, x.options());
  const Tensor high = Tensor::full({}, highest, x.options());
  const Tensor y = apply(Binary::minimum, apply(Binary::maximum, x, low), high);
  return record("clamp", y, {x}, [x = x.detach(), low, high](const Tensor& dy) {
    const Tensor within =
        apply(Binary::mul, apply(Binary::less_equal, low, x), apply(Binary::less_equal, x, high));
    return Grads{apply(Binary::keep, dy, within)};
  });
}

}  // namespace hebb
