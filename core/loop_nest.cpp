#include "core/loop_nest.hpp"

#include <array>

#include "core/shape.hpp"

namespace hebb {
namespace {

static_assert(max_loops == Shape::max_rank);

/// Puts an axis around those that are there, or merges it with the last one.
void add(BroadcastLoop& loop, BroadcastLoop::Axis axis) {
  if (loop.rank > 0) {
    BroadcastLoop::Axis& inner = loop.axes[loop.rank - 1];
    if (inner.step_a * inner.extent == axis.step_a && inner.step_b * inner.extent == axis.step_b) {
      inner.extent *= axis.extent;
      return;
    }
  }
  loop.axes[loop.rank++] = axis;
}

void add(ReduceLoop::Axes& axes, ReduceLoop::Axes::Axis axis) {
  axes.axes[axes.rank++] = axis;
  axes.count *= axis.extent;
}

void widen(ReduceLoop::Axes& axes, int64_t factor) {
  axes.axes[axes.rank - 1].extent *= factor;
  axes.count *= factor;
}

}  // namespace

BroadcastLoop broadcast_loop(const Shape& shape, const Shape& a, const Shape& b) {
  BroadcastLoop loop;
  int64_t size_a = 1, size_b = 1;
  for (int i = 1; i <= shape.rank(); ++i) {
    const int64_t extent = shape[-i];
    const int64_t extent_a = i <= a.rank() ? a[-i] : 1, extent_b = i <= b.rank() ? b[-i] : 1;
    if (extent != 1) add(loop, {extent, extent_a == 1 ? 0 : size_a, extent_b == 1 ? 0 : size_b});
    size_a *= extent_a;
    size_b *= extent_b;
  }
  if (loop.rank == 0) loop.axes[loop.rank++] = {1, 0, 0};
  loop.rows = shape.numel() == 0 ? 0 : shape.numel() / loop.axes[0].extent;
  return loop;
}

BroadcastLoop batch_loop(const Shape& shape, const Shape& a, const Shape& b) {
  return broadcast_loop(batch_shape(shape), batch_shape(a), batch_shape(b));
}

BroadcastPlace broadcast_place(const BroadcastLoop& loop, int64_t i) {
  BroadcastPlace place;
  for (int axis = 0; axis < loop.rank; ++axis) {
    const auto [extent, step_a, step_b] = loop.axes[axis];
    place.a += i % extent * step_a;
    place.b += i % extent * step_b;
    i /= extent;
  }
  return place;
}

GatherLoop gather_loop(const Shape& x, const Shape& indices, int axis) {
  const int rank = x.rank();
  GatherLoop loop{.outer = {},
                  .fibres = indices.without(axis).numel(),
                  .count = indices[axis],
                  .step = indices.product(axis + 1, rank),
                  .extent_x = x[axis],
                  .step_x = x.product(axis + 1, rank)};
  for (int i = rank - 1; i >= 0; --i)
    if (i != axis && indices[i] != 1)
      add(loop.outer, {indices[i], x.product(i + 1, rank), indices.product(i + 1, rank)});
  return loop;
}

PermuteLoop permute_loop(const Shape& shape, std::span<const int> axes) {
  PermuteLoop loop;
  for (int i = int(axes.size()) - 1; i >= 0; --i) {
    const int axis = axes[size_t(i)];
    if (shape[axis] == 1) continue;
    const int64_t step = shape.product(axis + 1, shape.rank());
    PermuteLoop::Axis* inner = loop.rank > 0 ? &loop.axes[loop.rank - 1] : nullptr;
    if (inner && inner->step * inner->extent == step)
      inner->extent *= shape[axis];
    else
      loop.axes[loop.rank++] = {shape[axis], step};
  }
  if (loop.rank == 0) loop.axes[loop.rank++] = {1, 1};
  return loop;
}

ReduceLoop reduce_loop(const Shape& shape, uint32_t axes) {
  ReduceLoop loop;
  int64_t step = 1;
  bool started = false, last_reduced = true;
  for (int i = shape.rank() - 1; i >= 0; step *= shape[i], --i) {
    if (shape[i] == 1) continue;
    const bool is_reduced = axes >> i & 1;
    if (!started) {
      loop.inner = shape[i];
      loop.inner_reduced = is_reduced;
    } else if (is_reduced != last_reduced) {
      add(is_reduced ? loop.reduced : loop.kept, {shape[i], step});
    } else if (loop.kept.rank + loop.reduced.rank == 0) {
      loop.inner *= shape[i];
    } else {
      widen(is_reduced ? loop.reduced : loop.kept, shape[i]);
    }
    started = true;
    last_reduced = is_reduced;
  }
  return loop;
}

int64_t reduced_count(const Shape& shape, uint32_t axes) {
  int64_t count = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (axes >> i & 1) count *= shape[i];
  return count;
}

Shape batch_shape(const Shape& shape) {
  return Shape(shape.extents().first(size_t(shape.rank() - 2)));
}

Shape reduced_to_ones(const Shape& shape, uint32_t axes) {
  std::array<int64_t, Shape::max_rank> extents{};
  for (int i = 0; i < shape.rank(); ++i) extents[size_t(i)] = axes >> i & 1 ? 1 : shape[i];
  return Shape(std::span<const int64_t>(extents.data(), size_t(shape.rank())));
}

uint32_t stretched_axes(const Shape& from, const Shape& shape) {
  const int added = shape.rank() - from.rank();
  uint32_t axes = 0;
  for (int i = 0; i < shape.rank(); ++i)
    if (i < added || from[i - added] != shape[i]) axes |= 1u << i;
  return axes;
}

}  // namespace hebb
