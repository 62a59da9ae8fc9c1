#include "core/ops/layout.hpp"

#include <array>
#include <utility>
#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

// dy back in its place along `axis`, between zeros.
Tensor widen(const Tensor& dy, const Shape& shape, int axis, int64_t begin) {
  const int64_t end = begin + dy.size(axis);
  const Tensor parts[] = {Tensor::zeros(shape.with(axis, begin), dy.options()), dy,
                          Tensor::zeros(shape.with(axis, shape[axis] - end), dy.options())};
  return backend_of(dy)->concat(parts, shape, axis);
}

using Order = std::array<int, Shape::max_rank>;

Tensor permuted(const char* where, const Tensor& x, const Order& order) {
  const auto rank = size_t(x.rank());
  const std::span<const int> axes(order.data(), rank);
  std::array<int64_t, Shape::max_rank> extents{};
  Order inverse{};
  for (size_t i = 0; i < rank; ++i) {
    extents[i] = x.size(axes[i]);
    inverse[size_t(axes[i])] = int(i);
  }
  const Shape shape(std::span<const int64_t>(extents.data(), rank));
  const Tensor y = backend_of(x)->permute(x, shape, axes);
  return record(where, y, {x}, [inverse, rank, from = x.shape()](const Tensor& dy) {
    return Grads{backend_of(dy)->permute(dy, from, {inverse.data(), rank})};
  });
}

Tensor rows_of(const Tensor& x, const Tensor& indices) {
  const Shape gathered = x.shape().with(0, indices.size(0));
  const Tensor y = backend_of(x)->gather_rows(x, indices, gathered);
  return record("gather_rows", y, {x},
                [indices = indices.detach(), shape = x.shape()](const Tensor& dy) {
                  return Grads{backend_of(dy)->scatter_add_rows(dy, indices, shape)};
                });
}

}  // namespace

Tensor concat(std::span<const Tensor> parts, int axis) {
  check(!parts.empty(), "[concat] expected at least one tensor, got none");
  const Tensor& first = parts[0];
  check_operands("concat", {{"the first part", first}});
  axis = first.shape().axis(axis, "concat");

  struct Piece {
    int64_t length;
    bool needs_grad;
  };
  std::vector<Piece> pieces;
  std::vector<detail::Input> inputs;
  int64_t extent = 0;
  for (const Tensor& part : parts) {
    check_operands("concat", {{"the first part", first}, {"every part", part}});
    check<ShapeError>(
        part.rank() == first.rank() && part.shape().with(axis, 0) == first.shape().with(axis, 0),
        "[concat] expected parts like {} in all axes but {}, got {}", first.shape(), axis,
        part.shape());
    extent += part.size(axis);
    pieces.push_back({part.size(axis), part.requires_grad()});
    inputs.emplace_back(part);
  }
  const Tensor y = backend_of(first)->concat(parts, first.shape().with(axis, extent), axis);
  return record("concat", y, inputs, [pieces = std::move(pieces), axis](const Tensor& dy) {
    Grads grads;
    int64_t begin = 0;
    for (const auto& [length, needs_grad] : pieces) {
      const Shape shape = dy.shape().with(axis, length);
      grads.push_back(needs_grad ? backend_of(dy)->narrow(dy, shape, axis, begin) : Tensor());
      begin += length;
    }
    return grads;
  });
}

Tensor narrow(const Tensor& x, int axis, int64_t begin, int64_t length) {
  check_operands("narrow", {{"x", x}});
  axis = x.shape().axis(axis, "narrow");
  const int64_t extent = x.size(axis);
  check<ShapeError>(
      0 <= begin && begin <= extent && 0 <= length && length <= extent - begin,
      "[narrow] expected a range inside [0, {}) of axis {}, got begin {} and length {}", extent,
      axis, begin, length);
  const Tensor y = backend_of(x)->narrow(x, x.shape().with(axis, length), axis, begin);
  return record("narrow", y, {x}, [shape = x.shape(), axis, begin](const Tensor& dy) {
    return Grads{widen(dy, shape, axis, begin)};
  });
}

Tensor pad(const Tensor& x, std::span<const int64_t> padding, double value) {
  check_operands("pad", {{"x", x}});
  check(padding.size() % 2 == 0 && padding.size() <= 2 * size_t(x.rank()),
        "[pad] expected two numbers for each of at most {} axes, got {}", x.rank(), padding.size());
  for (const int64_t n : padding) check(n >= 0, "[pad] expected at least 0, got {}", n);
  Tensor y = x;
  for (size_t i = 0; i + 1 < padding.size(); i += 2) {
    if (padding[i] == 0 && padding[i + 1] == 0) continue;
    const int axis = x.rank() - 1 - int(i / 2);
    const Tensor parts[] = {Tensor::full(y.shape().with(axis, padding[i]), value, x.options()), y,
                            Tensor::full(y.shape().with(axis, padding[i + 1]), value, x.options())};
    y = concat(parts, axis);
  }
  return y;
}

Tensor permute(const Tensor& x, std::span<const int> axes) {
  check_operands("permute", {{"x", x}});
  check<ShapeError>(int(axes.size()) == x.rank(), "[permute] expected {} axes for shape {}, got {}",
                    x.rank(), x.shape(), axes.size());
  Order order{};
  uint32_t seen = 0;
  for (size_t i = 0; i < axes.size(); ++i) {
    order[i] = x.shape().axis(axes[i], "permute");
    const uint32_t bit = uint32_t(1) << order[i];
    check<ShapeError>(!(seen & bit), "[permute] expected each axis once, got axis {} twice",
                      axes[i]);
    seen |= bit;
  }
  return permuted("permute", x, order);
}

Tensor transpose(const Tensor& x, int axis0, int axis1) {
  check_operands("transpose", {{"x", x}});
  Order order{};
  for (int i = 0; i < x.rank(); ++i) order[size_t(i)] = i;
  std::swap(order[size_t(x.shape().axis(axis0, "transpose"))],
            order[size_t(x.shape().axis(axis1, "transpose"))]);
  return permuted("transpose", x, order);
}

Tensor gather_rows(const Tensor& source, const Tensor& indices) {
  const Tensor x = widened(source);
  check_operands("gather_rows", {{"x", x}});
  check<ShapeError>(x.rank() >= 1, "[gather_rows] expected x of shape [R, ...], got {}", x.shape());
  check_integers("gather_rows", {"indices", indices}, x);
  check_rank("gather_rows", {"indices", indices}, 1, "[N]");
  return rows_of(x, indices);
}

Tensor index_select(const Tensor& source, int axis, const Tensor& indices) {
  const Tensor x = widened(source);
  check_operands("index_select", {{"x", x}});
  axis = x.shape().axis(axis, "index_select");
  check_integers("index_select", {"indices", indices}, x);
  check_rank("index_select", {"indices", indices}, 1, "[N]");
  return axis == 0 ? rows_of(x, indices)
                   : transpose(rows_of(transpose(x, 0, axis), indices), 0, axis);
}

Tensor gather(const Tensor& source, int axis, const Tensor& indices) {
  const Tensor x = widened(source);
  check_operands("gather", {{"x", x}});
  axis = x.shape().axis(axis, "gather");
  check_integers("gather", {"indices", indices}, x);
  bool fits = indices.rank() == x.rank();
  for (int i = 0; fits && i < x.rank(); ++i) fits = i == axis || indices.size(i) <= x.size(i);
  check<ShapeError>(fits,
                    "[gather] expected indices of at most shape {} in all axes but {}, got {}",
                    x.shape(), axis, indices.shape());
  const Tensor y = backend_of(x)->gather(x, indices, axis);
  return record("gather", y, {x},
                [indices = indices.detach(), shape = x.shape(), axis](const Tensor& dy) {
                  return Grads{backend_of(dy)->scatter_add(dy, indices, shape, axis)};
                });
}

}  // namespace hebb
