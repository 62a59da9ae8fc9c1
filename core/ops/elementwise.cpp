#include "core/ops/elementwise.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

Tensor binary(Binary op, const char* where, const Tensor& a, const Tensor& b) {
  check_operands(where, {{"a", a}, {"b", b}});
  return backend_of(a)->binary(op, a, b, broadcast(a.shape(), b.shape(), where));
}

// The gradient of an operand that was stretched: summed over the copies.
Tensor unbroadcast(const Tensor& dy, const Shape& shape) {
  return dy.shape() == shape ? dy : backend_of(dy)->sum_to(dy, shape);
}

Tensor times(const Tensor& a, const Tensor& b) {
  return backend_of(a)->binary(Binary::mul, a, b, a.shape());
}

Tensor power(const Tensor& x, const Tensor& exponent) {
  return backend_of(x)->binary(Binary::pow, x, exponent,
                               broadcast(x.shape(), exponent.shape(), "pow"));
}

Tensor unary(Unary op, const char* name, const Tensor& x) {
  check_operands(name, {{"x", x}});
  const Tensor y = backend_of(x)->unary(op, x);
  const bool keeps_input = op == Unary::log || op == Unary::abs || op == Unary::square;
  return record(name, y, {x}, [op, saved = keeps_input ? x.detach() : y](const Tensor& dy) {
    return Grads{backend_of(dy)->unary_backward(op, dy, saved)};
  });
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  const Tensor y = binary(Binary::add, "add", a, b);
  return record("add", y, {a, b},
                [a_shape = a.shape(), b_shape = b.shape()](const Tensor& dy, Needs needs) {
                  return Grads{needs[0] ? unbroadcast(dy, a_shape) : Tensor(),
                               needs[1] ? unbroadcast(dy, b_shape) : Tensor()};
                });
}

Tensor subtract(const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  const Tensor y = binary(Binary::sub, "subtract", a, b);
  return record("subtract", y, {a, b},
                [a_shape = a.shape(), b_shape = b.shape()](const Tensor& dy, Needs needs) {
                  Grads grads{needs[0] ? unbroadcast(dy, a_shape) : Tensor(), Tensor()};
                  if (needs[1])
                    grads[1] = backend_of(dy)->unary(Unary::neg, unbroadcast(dy, b_shape));
                  return grads;
                });
}

Tensor multiply(const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  const Tensor y = binary(Binary::mul, "multiply", a, b);
  return record("multiply", y, {a, b},
                [a = a.detach(), b = b.detach()](const Tensor& dy, Needs needs) {
                  return Grads{needs[0] ? unbroadcast(times(dy, b), a.shape()) : Tensor(),
                               needs[1] ? unbroadcast(times(dy, a), b.shape()) : Tensor()};
                });
}

Tensor divide(const Tensor& left, const Tensor& right) {
  const Tensor a = widened(left), b = widened(right);
  const Tensor y = binary(Binary::div, "divide", a, b);
  return record(
      "divide", y, {a, b}, [y, b = b.detach(), a_shape = a.shape()](const Tensor& dy, Needs needs) {
        const Tensor da = backend_of(dy)->binary(Binary::div, dy, b, dy.shape());
        Grads grads{needs[0] ? unbroadcast(da, a_shape) : Tensor(), Tensor()};
        if (needs[1])  // -dy a / b² = -da y
          grads[1] = backend_of(dy)->unary(Unary::neg, unbroadcast(times(da, y), b.shape()));
        return grads;
      });
}

Tensor affine(const Tensor& x, double scale, double shift) {
  check_operands("affine", {{"x", x}});
  const Tensor y = backend_of(x)->affine(x, scale, shift);
  return record("affine", y, {x}, [scale](const Tensor& dy) {
    return Grads{scale == 1 ? dy : backend_of(dy)->affine(dy, scale, 0)};
  });
}

Tensor negate(const Tensor& x) {
  check_operands("negate", {{"x", x}});
  const Tensor y = backend_of(x)->unary(Unary::neg, x);
  return record("negate", y, {x},
                [](const Tensor& dy) { return Grads{backend_of(dy)->unary(Unary::neg, dy)}; });
}

Tensor exp(const Tensor& x) { return unary(Unary::exp, "exp", x); }
Tensor log(const Tensor& x) { return unary(Unary::log, "log", x); }
Tensor sqrt(const Tensor& x) { return unary(Unary::sqrt, "sqrt", x); }
Tensor tanh(const Tensor& x) { return unary(Unary::tanh, "tanh", x); }
Tensor abs(const Tensor& x) { return unary(Unary::abs, "abs", x); }
Tensor relu(const Tensor& x) { return unary(Unary::relu, "relu", x); }
Tensor sigmoid(const Tensor& x) { return unary(Unary::sigmoid, "sigmoid", x); }
Tensor square(const Tensor& x) { return unary(Unary::square, "square", x); }

Tensor pow(const Tensor& base, double exponent) {
  const Tensor x = widened(base);
  check_operands("pow", {{"x", x}});
  if (exponent == 2) return square(x);
  const Tensor y = power(x, Tensor::full({}, exponent, x.options()));
  return record("pow", y, {x}, [x = x.detach(), exponent](const Tensor& dy) {
    if (exponent == 0) return Grads{Tensor::zeros(x.shape(), x.options())};
    const Tensor slope = power(x, Tensor::full({}, exponent - 1, x.options()));
    return Grads{backend_of(dy)->affine(times(dy, slope), exponent, 0)};
  });
}

Tensor pow(const Tensor& base, const Tensor& of_each) {
  const Tensor x = widened(base), exponent = widened(of_each);
  check_operands("pow", {{"x", x}, {"exponent", exponent}});
  const Tensor y = power(x, exponent);
  return record(
      "pow", y, {x, exponent},
      [x = x.detach(), e = exponent.detach(), y](const Tensor& dy, Needs needs) {
        const ActiveBackend b = backend_of(dy);
        const Shape& shape = dy.shape();
        Grads grads{Tensor(), Tensor()};
        if (needs[0]) {  // dy e x^(e - 1), and nothing where e is 0
          const Tensor slope = b->binary(Binary::mul, power(x, b->affine(e, 1, -1)), e, shape);
          grads[0] = unbroadcast(b->binary(Binary::keep, times(dy, slope), e, shape), x.shape());
        }
        if (needs[1]) {  // dy y log x, and nothing where x is 0 and e at least that
          const Tensor zero = Tensor::zeros({}, x.options());
          const Tensor flat = b->binary(Binary::mul, b->binary(Binary::equal, x, zero, x.shape()),
                                        b->binary(Binary::less_equal, zero, e, e.shape()), shape);
          const Tensor slope = b->binary(Binary::mul, y, b->unary(Unary::log, x), shape);
          grads[1] = unbroadcast(
              b->binary(Binary::keep, times(dy, slope), b->affine(flat, -1, 1), shape), e.shape());
        }
        return grads;
      });
}

}  // namespace hebb
