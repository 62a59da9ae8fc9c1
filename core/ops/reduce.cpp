#include "core/ops/reduce.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

constexpr uint32_t every_axis(int rank) { return (uint32_t(1) << rank) - 1; }

uint32_t axis_bits(const char* where, const Tensor& x, std::span<const int> axes) {
  if (axes.empty()) return every_axis(x.rank());
  uint32_t bits = 0;
  for (const int axis : axes) {
    const uint32_t bit = uint32_t(1) << x.shape().axis(axis, where);
    check<ShapeError>(!(bits & bit), "[{}] expected each axis once, got axis {} twice", where,
                      axis);
    bits |= bit;
  }
  return bits;
}

Tensor reduce(Reduce op, const char* where, const Tensor& x, uint32_t axes) {
  const Tensor y = backend_of(x)->reduce(op, x, axes);
  return record(where, y, {x}, [op, axes, x = x.detach()](const Tensor& dy) {
    return Grads{backend_of(dy)->reduce_backward(op, dy, x, axes)};
  });
}

Tensor reduce(Reduce op, const char* where, const Tensor& x, std::span<const int> axes,
              ReduceOptions options) {
  check_operands(where, {{"x", x}});
  const uint32_t bits = axis_bits(where, x, axes);
  const Tensor y = reduce(op, where, x, bits);
  if (!options.keep_axes) return y;
  Shape kept = x.shape();
  for (int axis = 0; axis < x.rank(); ++axis)
    if (bits >> axis & 1) kept = kept.with(axis, 1);
  return y.reshape(kept);
}

int filled_axis(const char* where, const Tensor& x, int axis) {
  check_operands(where, {{"x", x}});
  axis = x.shape().axis(axis, where);
  check<ShapeError>(x.size(axis) > 0, "[{}] expected elements along axis {}, got {}", where, axis,
                    x.shape());
  return axis;
}

}  // namespace

Tensor sum(const Tensor& x, std::span<const int> axes, ReduceOptions options) {
  return reduce(Reduce::sum, "sum", x, axes, options);
}

Tensor mean(const Tensor& x, std::span<const int> axes, ReduceOptions options) {
  return reduce(Reduce::mean, "mean", x, axes, options);
}

Tensor sum_abs(const Tensor& x) { return reduce(Reduce::sum_abs, "sum_abs", x, {}, {}); }

Tensor sum_square(const Tensor& x) { return reduce(Reduce::sum_square, "sum_square", x, {}, {}); }

Tensor max(const Tensor& x, int axis, ReduceOptions options) {
  axis = filled_axis("max", x, axis);
  const Backend::WithIndices result = backend_of(x)->max(x, axis);
  const Tensor y = record("max", result.values, {x},
                          [indices = result.indices, shape = x.shape(), axis](const Tensor& dy) {
                            return Grads{backend_of(dy)->max_backward(dy, indices, shape, axis)};
                          });
  return options.keep_axes ? y.reshape(x.shape().with(axis, 1)) : y;
}

Tensor argmax(const Tensor& x, int axis) {
  axis = filled_axis("argmax", x, axis);
  return backend_of(x)->max(x, axis).indices;
}

Tensor count_equal(const Tensor& a, const Tensor& b) {
  check_integers("count_equal", {"a", a}, a);
  check_integers("count_equal", {"b", b}, a);
  check_shape("count_equal", {"b", b}, a.shape());
  return backend_of(a)->count_equal(a, b);
}

}  // namespace hebb
