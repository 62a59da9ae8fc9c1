#include "core/ops/matmul.hpp"

#include <utility>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/loop_nest.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

Shape matrices(const Shape& batch, int64_t rows, int64_t columns) {
  return batch.inserted(batch.rank(), rows).inserted(batch.rank() + 1, columns);
}

}  // namespace

Tensor matmul(const Tensor& left, const Tensor& right, MatmulOptions options) {
  const Tensor a = widened(left), b = widened(right);
  check_operands("matmul", {{"a", a}, {"b", b}});
  const bool ta = options.transpose_a, tb = options.transpose_b;
  check<ShapeError>(a.rank() >= 2 && b.rank() >= 2 && a.size(ta ? -2 : -1) == b.size(tb ? -1 : -2),
                    "[matmul] expected matrices [M, K] and [K, N], got {}{} and {}{}", a.shape(),
                    ta ? " transposed" : "", b.shape(), tb ? " transposed" : "");
  const int64_t m = a.size(ta ? -1 : -2), n = b.size(tb ? -2 : -1);
  if (a.rank() > 2 && b.rank() == 2 && !ta) {  // one product of all rows
    const int64_t rows = a.shape().product(0, a.rank() - 1);
    return matmul(a.reshape({rows, a.size(-1)}), b, options)
        .reshape(a.shape().with(a.rank() - 1, n));
  }
  const Shape batch = broadcast(batch_shape(a.shape()), batch_shape(b.shape()), "matmul");
  const Tensor y = backend_of(a)->matmul(a, ta, b, tb, matrices(batch, m, n));
  return record("matmul", y, {a, b},
                [ta, tb, batch, a = a.detach(), b = b.detach()](const Tensor& dy, Needs needs) {
                  const ActiveBackend backend = backend_of(dy);
                  Grads grads{{}, {}};
                  if (needs[0]) {
                    const Shape shape = matrices(batch, a.size(-2), a.size(-1));
                    const Tensor da = ta ? backend->matmul(b, tb, dy, true, shape)
                                         : backend->matmul(dy, false, b, !tb, shape);
                    grads[0] = shape == a.shape() ? da : backend->sum_to(da, a.shape());
                  }
                  if (needs[1]) {
                    const Shape shape = matrices(batch, b.size(-2), b.size(-1));
                    const Tensor db = tb ? backend->matmul(dy, true, a, ta, shape)
                                         : backend->matmul(a, !ta, dy, false, shape);
                    grads[1] = shape == b.shape() ? db : backend->sum_to(db, b.shape());
                  }
                  return grads;
                });
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const LinearOptions& options) {
  check_operands("linear", {{"x", x}});
  check_parameter("linear", {"x", x}, {"weight", weight});
  const bool replicas = check_rows("linear", {"x", x}, "N", {"weight", weight}, "[out, in]");
  const int64_t outputs = weight.size(-2);
  if (bias.defined()) {
    check_parameter("linear", {"x", x}, {"bias", bias});
    check_shape("linear", {"bias", bias},
                replicas ? Shape{weight.size(0), outputs} : Shape{outputs});
  }
  const Tensor y = backend_of(x)->linear(
      x, weight, bias, replicas ? Shape{x.size(0), x.size(1), outputs} : Shape{x.size(0), outputs},
      options);
  return record(
      "linear", y, {x, weight, bias},
      [x = x.detach(), weight = weight.detach(), y = options.relu ? y.detach() : Tensor()](
          const Tensor& of_y, Needs needs) {
        const ActiveBackend backend = backend_of(of_y);
        const Tensor dy = y.defined() ? backend->unary_backward(Unary::relu, of_y, y) : of_y;
        Grads grads{{}, {}, {}};
        if (needs[0]) grads[0] = backend->linear_backward_input(dy, weight, x.shape());
        if (needs[1] || needs[2]) {
          auto [dweight, dbias] = backend->linear_backward_weight(dy, x, weight.shape(), needs[2]);
          grads[1] = std::move(dweight);
          grads[2] = std::move(dbias);
        }
        return grads;
      });
}

}  // namespace hebb
