#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

constexpr int64_t tile_side = 64;  // what is read and written at once stays in the nearest cache

/// The axes that a tile has no part in: where the tile of number i begins.
struct Places {
  int64_t x = 0, y = 0;
};
Places place(const PermuteLoop& loop, int along, int64_t i) {
  Places at;
  int64_t step = 1;
  for (int axis = 0; axis < loop.rank; ++axis) {
    const auto [extent, step_x] = loop.axes[axis];
    if (axis > 0 && axis != along) {
      at.x += i % extent * step_x;
      at.y += i % extent * step;
      i /= extent;
    }
    step *= extent;
  }
  return at;
}

// The innermost axis stays: runs.
template <class T>
void permute_runs(const PermuteLoop& loop, int64_t runs, const T* x, T* y) {
  const int64_t n = loop.axes[0].extent;
  parallel_for(runs, row_grain(n), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) copy_row(n, x + place(loop, 0, i).x, y + i * n);
  });
}

// Matrices, in tiles: their columns are the result's innermost axis, their rows x's, which is axis
// `along` of the result.
template <class T>
void permute_tiles(const PermuteLoop& loop, int along, int64_t matrices, const T* x, T* y) {
  const int64_t rows = loop.axes[0].extent, stride = loop.axes[0].step;
  const int64_t columns = loop.axes[along].extent;
  int64_t to_stride = 1;
  for (int axis = 0; axis < along; ++axis) to_stride *= loop.axes[axis].extent;
  const int64_t cuts = ceil_div(columns, tile_side);
  parallel_for(matrices * cuts, row_grain(rows * smaller(columns, tile_side)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const Places at = place(loop, along, i / cuts);
                   const int64_t j = i % cuts * tile_side;
                   for (int64_t k = 0; k < rows; k += tile_side)
                     transpose_copy(smaller(tile_side, rows - k), smaller(tile_side, columns - j),
                                    x + at.x + k * stride + j, stride, y + at.y + j * to_stride + k,
                                    to_stride);
                 }
               });
}

template <class T>
void permute(const PermuteLoop& loop, const T* x, T* y) {
  int64_t count = 1;
  int along = 0;
  for (int axis = 0; axis < loop.rank; ++axis) {
    count *= loop.axes[axis].extent;
    if (loop.axes[axis].step == 1) along = axis;
  }
  if (along == 0)
    permute_runs(loop, count / loop.axes[0].extent, x, y);
  else
    permute_tiles(loop, along, count / loop.axes[0].extent / loop.axes[along].extent, x, y);
}

int64_t from_front(int64_t index, int64_t extent) { return index < 0 ? index + extent : index; }

/// f(place in x, place in the indices) for every index. Fibres meet
/// nowhere in x.
template <class F>
void for_each_index(const GatherLoop& loop, const int64_t* index, F f) {
  parallel_for(loop.fibres, row_grain(loop.count), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      int64_t at_x = 0, at = 0, rest = i;
      for (int axis = 0; axis < loop.outer.rank; ++axis) {
        const auto [extent, step_x, step] = loop.outer.axes[axis];
        at_x += rest % extent * step_x;
        at += rest % extent * step;
        rest /= extent;
      }
      for (int64_t k = 0; k < loop.count; ++k, at += loop.step)
        f(at_x + from_front(index[at], loop.extent_x) * loop.step_x, at);
    }
  });
}

template <class T>
void gather(const GatherLoop& loop, const T* x, const int64_t* index, T* y) {
  for_each_index(loop, index, [=](int64_t from, int64_t to) { y[to] = x[from]; });
}

template <class T>
void scatter_add(const GatherLoop& loop, const T* dy, const int64_t* index, T* dx) {
  for_each_index(loop, index, [=](int64_t to, int64_t from) { dx[to] += dy[from]; });
}

// Cut over columns, so that a row that occurs twice gets its sum in the order of the indices.
template <class T>
void scatter_add_rows(int64_t count, int64_t rows, int64_t width, const T* dy, const int64_t* index,
                      T* dx) {
  parallel_for(width, larger(64, grain / (count + 1)), [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < count; ++i) {
      T* to = dx + from_front(index[i], rows) * width + begin;
      map(
          end - begin, to, [](Vec<T> a, Vec<T> b) { return a + b; }, to, dy + i * width + begin);
    }
  });
}

}  // namespace

template <class T>
LayoutKernels<T> layout_kernels() {
  return {.permute = permute<T>,
          .gather = gather<T>,
          .scatter_add = scatter_add<T>,
          .scatter_add_rows = scatter_add_rows<T>};
}

template LayoutKernels<float> layout_kernels();
#if HEBB_FLOAT64
template LayoutKernels<double> layout_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
