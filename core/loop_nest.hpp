#pragma once

#include <cstdint>
#include <span>

/// Broadcasting and reductions as loop nests, made from shapes: nothing but data, for the kernels
/// of every device.
namespace hebb {

class Shape;

inline constexpr int max_loops = 8;  // Shape::max_rank

/// The loop nest of two operands stretched to one shape: axes of extent 1 dropped, neighbours
/// merged where both operands allow it. axes[0] is the innermost, whose steps are 0 or 1.
struct BroadcastLoop {
  struct Axis {
    int64_t extent, step_a, step_b;
  };
  Axis axes[max_loops];
  int rank = 0;
  int64_t rows = 0;  // of axes[0].extent elements
};

/// The loop nest of a reduction: extents of 1 dropped, neighbours of one kind merged. The innermost
/// run of elements stands apart, `kept` and `reduced` hold what is around it, innermost first.
struct ReduceLoop {
  struct Axes {
    struct Axis {
      int64_t extent, step;
    };
    Axis axes[max_loops];
    int rank = 0;
    int64_t count = 1;  // product of the extents
  };
  Axes kept, reduced;
  int64_t inner = 1;
  bool inner_reduced = true;
};

/// The loop nest of axes in another order: extents of 1 dropped, axes that stay neighbours merged.
/// axes[0] is the result's innermost; a step is that of the operand, the result is contiguous.
struct PermuteLoop {
  struct Axis {
    int64_t extent, step;
  };
  Axis axes[max_loops];
  int rank = 0;
};

/// Elements along an axis that indices choose: a fibre of them for each place in the other axes,
/// whose loop nest is outer: a is x's and b the indices' place.
struct GatherLoop {
  BroadcastLoop outer;
  int64_t fibres, count, step;  // of an index
  int64_t extent_x, step_x;     // of an element of x
};

/// Two operands of shapes a and b stretched to `shape`.
BroadcastLoop broadcast_loop(const Shape& shape, const Shape& a, const Shape& b);

/// The same for all axes but the last two, which hold matrices.
BroadcastLoop batch_loop(const Shape& shape, const Shape& a, const Shape& b);

/// Where the operands of element i stand.
struct BroadcastPlace {
  int64_t a = 0, b = 0;
};
BroadcastPlace broadcast_place(const BroadcastLoop& loop, int64_t i);

/// Elements of x along an axis, an index for each of them.
GatherLoop gather_loop(const Shape& x, const Shape& indices, int axis);

/// A tensor of `shape` with axis axes[i] in place i.
PermuteLoop permute_loop(const Shape& shape, std::span<const int> axes);

/// A reduction of the axes of `shape` whose bits are set. `shape` has elements.
ReduceLoop reduce_loop(const Shape& shape, uint32_t axes);

/// How many elements of `shape` are reduced to one.
int64_t reduced_count(const Shape& shape, uint32_t axes);

/// `shape` without the last two axes.
Shape batch_shape(const Shape& shape);

/// `shape` with the reduced axes kept, of extent 1: it stretches back.
Shape reduced_to_ones(const Shape& shape, uint32_t axes);

/// The axes of `shape` along which an operand of shape `from` was stretched to it.
uint32_t stretched_axes(const Shape& from, const Shape& shape);

}  // namespace hebb
