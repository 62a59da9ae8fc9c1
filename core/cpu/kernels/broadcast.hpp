#pragma once

#include "core/cpu/kernels.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {

/// Where the operands' parts of a row (of loop.axes[0].extent elements) begin.
struct BroadcastOffsets {
  int64_t a = 0, b = 0;
};
inline BroadcastOffsets row_offsets(const BroadcastLoop& loop, int64_t row) {
  BroadcastOffsets offsets;
  for (int i = 1; i < loop.rank; ++i) {
    const int64_t position = i + 1 < loop.rank ? row % loop.axes[i].extent : row;
    offsets.a += position * loop.axes[i].step_a;
    offsets.b += position * loop.axes[i].step_b;
    if (i + 1 < loop.rank) row /= loop.axes[i].extent;
  }
  return offsets;
}

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

/// y = f(a, b) with both operands stretched. A single row is cut into several.
template <class T, class F>
void broadcast_map(const BroadcastLoop& loop, T* y, F f, const T* a, const T* b) {
  const auto [n, step_a, step_b] = loop.axes[0];
  const bool single = loop.rank == 1;
  const int64_t width = single ? grain : n;
  parallel_for(single ? ceil_div(n, grain) : loop.rows, single ? 1 : row_grain(n),
               [=, &loop, n = n, sa = step_a, sb = step_b](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const BroadcastOffsets offsets =
                       single ? BroadcastOffsets{i * width * sa, i * width * sb}
                              : row_offsets(loop, i);
                   map_row(smaller(width, single ? n - i * width : n), y + i * width, f,
                           a + offsets.a, sa, b + offsets.b, sb);
                 }
               });
}

}  // namespace hebb::cpu::HEBB_ISA
