#include "core/ops/reduce.hpp"

#include <algorithm>
#include <array>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/loop_nest.hpp"
#include "core/ops/checks.hpp"
#include "core/ops/layout.hpp"

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

Shape reduced_shape(const Shape& shape, uint32_t axes, bool keep_axes) {
  std::array<int64_t, Shape::max_rank> extents{};
  size_t rank = 0;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool reduced = axes >> axis & 1;
    if (!reduced || keep_axes) extents[rank++] = reduced ? 1 : shape[axis];
  }
  return Shape(std::span<const int64_t>(extents.data(), rank));
}

// Of bfloat16 float32 is made where it is added up, and kept of it is x as it is.
Tensor reduce(Reduce op, const char* where, const Tensor& x, std::span<const int> axes,
              ReduceOptions options) {
  check_operands(where, {{"x", x}});
  const uint32_t bits = axis_bits(where, x, axes);
  const Shape shape = reduced_shape(x.shape(), bits, options.keep_axes);
  const Tensor y = backend_of(x)->reduce(op, x, shape, bits);
  return record(where, y, {x}, [op, bits, x = x.detach()](const Tensor& dy) {
    const bool reads_x = op == Reduce::sum_abs || op == Reduce::sum_square;
    const Tensor dx = backend_of(dy)->reduce_backward(op, dy, reads_x ? widened(x) : x, bits);
    return Grads{dx.to(x.dtype())};
  });
}

// x with the axes that are reduced behind those that stay.
Tensor gathered(const Tensor& x, uint32_t axes) {
  std::array<int, Shape::max_rank> order{};
  size_t n = 0;
  for (const bool reduced : {false, true})
    for (int axis = 0; axis < x.rank(); ++axis)
      if (bool(axes >> axis & 1) == reduced) order[n++] = axis;
  return std::is_sorted(order.begin(), order.begin() + n) ? x : permute(x, {order.data(), n});
}

}  // namespace

Tensor sum(const Tensor& x, std::span<const int> axes, ReduceOptions options) {
  return reduce(Reduce::sum, "sum", x, axes, options);
}

Tensor mean(const Tensor& x, std::span<const int> axes, ReduceOptions options) {
  return reduce(Reduce::mean, "mean", x, axes, options);
}

Tensor sum_abs(const Tensor& x, std::span<const int> axes) {
  return reduce(Reduce::sum_abs, "sum_abs", x, axes, {});
}

Tensor sum_square(const Tensor& x, std::span<const int> axes) {
  return reduce(Reduce::sum_square, "sum_square", x, axes, {});
}

Tensor max(const Tensor& values, int axis, ReduceOptions options) {
  const Tensor x = widened(values);
  check_operands("max", {{"x", x}});
  axis = filled_axis("max", x, axis);
  const Shape y = options.keep_axes ? x.shape().with(axis, 1) : x.shape().without(axis);
  const Backend::WithIndices result = backend_of(x)->max(x, y, axis, false);
  return record("max", result.values, {x},
                [indices = result.indices, shape = x.shape(), axis](const Tensor& dy) {
                  return Grads{backend_of(dy)->max_backward(dy, indices, shape, axis)};
                });
}

Tensor max(const Tensor& values, std::span<const int> axes, ReduceOptions options) {
  const Tensor x = widened(values);
  check_operands("max", {{"x", x}});
  const uint32_t bits = axis_bits("max", x, axes);
  for (int axis = 0; axis < x.rank(); ++axis)
    if (bits >> axis & 1) filled_axis("max", x, axis);
  const int64_t n = reduced_count(x.shape(), bits);
  return max(gathered(x, bits).reshape({-1, n}), 1)
      .reshape(reduced_shape(x.shape(), bits, options.keep_axes));
}

Tensor argmax(const Tensor& values, int axis, ArgmaxOptions options) {
  const Tensor x = widened(values);
  check_operands("argmax", {{"x", x}});
  axis = filled_axis("argmax", x, axis);
  const Shape y = options.keep_axes ? x.shape().with(axis, 1) : x.shape().without(axis);
  return backend_of(x)->max(x, y, axis, options.last).indices;
}

Tensor count_equal(const Tensor& a, const Tensor& b) {
  check_integers("count_equal", {"a", a}, a);
  check_integers("count_equal", {"b", b}, a);
  check_shape("count_equal", {"b", b}, a.shape());
  return backend_of(a)->count_equal(a, b);
}

void accumulate(const Tensor& sums, std::span<const Weighted> terms) {
  check_operands("accumulate", {{"sums", sums}});
  check<DTypeError>(sums.dtype() == DType::float64, "[accumulate] expected sums of float64, got {}",
                    sums);
  check_shape("accumulate", {"sums", sums}, {std::ssize(terms)});
  for (const auto& [value, weight] : terms) {
    if (!value.defined()) continue;
    check<ShapeError>(value.numel() == 1, "[accumulate] expected terms of one element, got {}",
                      value);
    check<DTypeError>(is_wide(value.dtype()) || value.dtype() == DType::int64,
                      "[accumulate] expected terms of float32, float64 or int64, got {}", value);
    check<DeviceError>(value.device() == sums.device(), "[accumulate] expected terms on {}, got {}",
                       sums.device(), value);
  }
  backend_of(sums)->accumulate(sums, terms);
}

}  // namespace hebb
