#include "core/ops/matmul.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {

Tensor matmul(const Tensor& a, const Tensor& b, MatmulOptions options) {
  check_operands("matmul", {{"a", a}, {"b", b}});
  const bool ta = options.transpose_a, tb = options.transpose_b;
  check<ShapeError>(a.rank() == 2 && b.rank() == 2 && a.size(ta ? 0 : 1) == b.size(tb ? 1 : 0),
                    "[matmul] expected matrices [M, K] and [K, N], got {}{} and {}{}", a.shape(),
                    ta ? " transposed" : "", b.shape(), tb ? " transposed" : "");
  const Shape shape{a.size(ta ? 1 : 0), b.size(tb ? 0 : 1)};
  const Tensor y = backend_of(a)->matmul(a, ta, b, tb, shape);
  return record("matmul", y, {a, b},
                [ta, tb, a = a.detach(), b = b.detach()](const Tensor& dy, Needs needs) {
                  const ActiveBackend backend = backend_of(dy);
                  Grads grads{{}, {}};
                  if (needs[0])
                    grads[0] = ta ? backend->matmul(b, tb, dy, true, a.shape())
                                  : backend->matmul(dy, false, b, !tb, a.shape());
                  if (needs[1])
                    grads[1] = tb ? backend->matmul(dy, true, a, ta, b.shape())
                                  : backend->matmul(a, !ta, dy, false, b.shape());
                  return grads;
                });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_operands("linear", {{"x", x}, {"weight", weight}});
  check_rank("linear", {"weight", weight}, 2, "[out, in]");
  check<ShapeError>(x.rank() == 2 && x.size(1) == weight.size(1),
                    "[linear] expected x of shape [N, {}] to match weight {}, got {}",
                    weight.size(1), weight.shape(), x.shape());
  if (bias.defined()) {
    check_operands("linear", {{"x", x}, {"bias", bias}});
    check_shape("linear", {"bias", bias}, {weight.size(0)});
  }
  const Tensor y = backend_of(x)->linear(x, weight, bias, {x.size(0), weight.size(0)});
  return record("linear", y, {x, weight, bias},
                [x = x.detach(), weight = weight.detach()](const Tensor& dy, Needs needs) {
                  const ActiveBackend backend = backend_of(dy);
                  Grads grads{{}, {}, {}};
                  if (needs[0]) grads[0] = backend->matmul(dy, false, weight, false, x.shape());
                  if (needs[1]) grads[1] = backend->matmul(dy, true, x, false, weight.shape());
                  if (needs[2]) grads[2] = backend->reduce(Reduce::sum, dy, {dy.size(1)}, 0b1);
                  return grads;
                });
}

}  // namespace hebb
