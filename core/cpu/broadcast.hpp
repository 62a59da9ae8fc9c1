#pragma once

#include "core/cpu/simd/loops.hpp"
#include "core/shape.hpp"

namespace hebb::cpu::HEBB_ISA {

/// The loop nest of two operands stretched to one shape: axes of extent 1 dropped, neighbours
/// merged where both operands allow it. axes[0] is the innermost; its steps are 0 or 1.
struct BroadcastLoop {
  struct Axis {
    int64_t extent, step_a, step_b;
  };
  struct Offsets {
    int64_t a = 0, b = 0;
  };

  std::array<Axis, Shape::max_rank> axes;
  int rank = 0;

  BroadcastLoop(const Shape& shape, const Shape& a, const Shape& b) {
    int64_t size_a = 1, size_b = 1;
    for (int i = 1; i <= shape.rank(); ++i) {
      const int64_t extent = shape[-i];
      const int64_t extent_a = i <= a.rank() ? a[-i] : 1, extent_b = i <= b.rank() ? b[-i] : 1;
      if (extent != 1) add({extent, extent_a == 1 ? 0 : size_a, extent_b == 1 ? 0 : size_b});
      size_a *= extent_a;
      size_b *= extent_b;
    }
    if (rank == 0) axes[rank++] = {1, 0, 0};
  }

  /// Where the operands' parts of a row (of axes[0].extent elements) begin.
  Offsets row(int64_t index) const {
    Offsets offsets;
    for (int i = 1; i < rank; ++i) {
      const int64_t position = i + 1 < rank ? index % axes[i].extent : index;
      offsets.a += position * axes[i].step_a;
      offsets.b += position * axes[i].step_b;
      if (i + 1 < rank) index /= axes[i].extent;
    }
    return offsets;
  }

 private:
  void add(Axis axis) {
    if (rank > 0) {
      Axis& inner = axes[rank - 1];
      if (inner.step_a * inner.extent == axis.step_a &&
          inner.step_b * inner.extent == axis.step_b) {
        inner.extent *= axis.extent;
        return;
      }
    }
    axes[rank++] = axis;
  }
};

/// y = f(a, b) over one row; a step of 0 repeats the operand's first element.
template <class T, class F>
inline void map_row(int64_t n, T* y, F f, const T* a, int64_t step_a, const T* b, int64_t step_b) {
  using V = Vec<T>;
  if (step_a && step_b)
    map(n, y, f, a, b);
  else if (step_a)
    map(
        n, y, [f, v = V(*b)](V u) { return f(u, v); }, a);
  else if (step_b)
    map(
        n, y, [f, u = V(*a)](V v) { return f(u, v); }, b);
  else
    std::fill_n(y, n, V(f(V(*a), V(*b)))[0]);
}

/// y = f(a, b) with both operands stretched to `shape`.
template <class T, class F>
void broadcast_map(const Shape& shape, T* y, F f, const T* a, const Shape& shape_a, const T* b,
                   const Shape& shape_b) {
  if (shape.numel() == 0) return;
  const BroadcastLoop loop(shape, shape_a, shape_b);
  const auto [n, step_a, step_b] = loop.axes[0];
  if (loop.rank == 1) {
    parallel_for(n, grain, [&, sa = step_a, sb = step_b](int64_t begin, int64_t end) {
      map_row(end - begin, y + begin, f, a + begin * sa, sa, b + begin * sb, sb);
    });
  } else {
    parallel_for(shape.numel() / n, row_grain(n),
                 [&, width = n, sa = step_a, sb = step_b](int64_t begin, int64_t end) {
                   for (int64_t i = begin; i < end; ++i) {
                     const BroadcastLoop::Offsets offsets = loop.row(i);
                     map_row(width, y + i * width, f, a + offsets.a, sa, b + offsets.b, sb);
                   }
                 });
  }
}

}  // namespace hebb::cpu::HEBB_ISA
