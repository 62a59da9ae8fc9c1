#include "core/cpu/kernels/broadcast.hpp"
#include "core/cpu/kernels/table.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/math.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

int64_t offset_of(const ReduceLoop::Axes& axes, int64_t index) {
  int64_t offset = 0;
  for (int i = 0; i < axes.rank; ++i) {
    const bool outermost = i + 1 == axes.rank;
    offset += (outermost ? index : index % axes.axes[i].extent) * axes.axes[i].step;
    if (!outermost) index /= axes.axes[i].extent;
  }
  return offset;
}

/// Reduced runs: one double for each piece of a run, added up in order.
template <class T, class F>
void reduce_runs(const ReduceLoop& loop, const T* x, T* y, double divisor, F f) {
  const int64_t results = loop.kept.count, pieces = ceil_div(loop.inner, 2 * grain);
  const int64_t parts = loop.reduced.count * pieces;
  const auto part = [&](int64_t result, int64_t i) {
    const int64_t begin = i % pieces * 2 * grain;
    const T* run = x + offset_of(loop.kept, result) + offset_of(loop.reduced, i / pieces);
    return sum_of<T>(std::min(2 * grain, loop.inner - begin), f, run + begin);
  };
  if (parts == 1 || results >= 16) {
    parallel_for(results, row_grain(loop.inner * loop.reduced.count),
                 [&](int64_t begin, int64_t end) {
                   for (int64_t k = begin; k < end; ++k) {
                     double total = 0;
                     for (int64_t i = 0; i < parts; ++i) total += part(k, i);
                     y[k] = T(total / divisor);
                   }
                 });
    return;
  }
  Scratch<double> sums(results * parts);
  double* partial = sums.data();
  parallel_for(results * parts, row_grain(std::min(loop.inner, 2 * grain)),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) partial[i] = part(i / parts, i % parts);
               });
  for (int64_t k = 0; k < results; ++k) {
    double total = 0;
    for (int64_t i = 0; i < parts; ++i) total += partial[k * parts + i];
    y[k] = T(total / divisor);
  }
}

/// sums[j] += Σ_r f(x[r * step + j]) for `width` columns.
template <class T, class F>
void add_columns(const T* x, int64_t rows, int64_t step, int64_t width, double* sums, F f) {
  constexpr int64_t lanes = Vec<T>::lanes, block = 128;
  for (int64_t first = 0; first < rows; first += block, x += block * step) {
    const int64_t m = std::min(block, rows - first);
    const auto column = [&](int64_t j, int64_t n, auto read) {
      Vec<T> s0 = T(0), s1 = T(0);
      int64_t r = 0;
      for (; r + 2 <= m; r += 2) {
        s0 += f(read(x + r * step + j));
        s1 += f(read(x + (r + 1) * step + j));
      }
      if (r < m) s0 += f(read(x + r * step + j));
      T lane[lanes];
      store(lane, s0 + s1);
      for (int64_t l = 0; l < n; ++l) sums[j + l] += double(lane[l]);
    };
    int64_t j = 0;
    for (; j + lanes <= width; j += lanes) column(j, lanes, [](const T* p) { return load(p); });
    if (j < width) column(j, width - j, [n = width - j](const T* p) { return load(p, n); });
  }
}

/// Kept runs: sums of columns. Wide runs are cut into pieces of columns, others into pieces of
/// rows whose sums are added up in order.
template <class T, class F>
void reduce_columns(const ReduceLoop& loop, const T* x, T* y, double divisor, F f) {
  constexpr int64_t most_columns = 512;
  const ReduceLoop::Axes::Axis row_axis =
      loop.reduced.rank ? loop.reduced.axes[0] : ReduceLoop::Axes::Axis{1, 0};
  const int64_t rows = loop.reduced.count, width = loop.inner;
  const int64_t columns = std::min(width, most_columns);
  const int64_t column_pieces = ceil_div(width, columns);
  const int64_t piece_rows = column_pieces > 1 ? rows : ceil_div(2 * grain, width);
  const int64_t row_pieces = ceil_div(rows, piece_rows);
  const auto sum_piece = [&](int64_t result, int64_t row_piece, int64_t j, int64_t n,
                             double* sums) {
    const T* base = x + offset_of(loop.kept, result) + j;
    const int64_t end = std::min(rows, (row_piece + 1) * piece_rows);
    std::fill_n(sums, n, 0.0);
    for (int64_t r = row_piece * piece_rows; r < end;) {
      const int64_t run = std::min(end - r, row_axis.extent - r % row_axis.extent);
      add_columns(base + offset_of(loop.reduced, r), run, row_axis.step, n, sums, f);
      r += run;
    }
  };
  if (row_pieces == 1) {
    parallel_for(loop.kept.count * column_pieces, row_grain(rows * columns),
                 [&](int64_t begin, int64_t end) {
                   double sums[most_columns];
                   for (int64_t i = begin; i < end; ++i) {
                     const int64_t result = i / column_pieces, j = i % column_pieces * columns;
                     const int64_t n = std::min(columns, width - j);
                     sum_piece(result, 0, j, n, sums);
                     T* out = y + result * width + j;
                     for (int64_t l = 0; l < n; ++l) out[l] = T(sums[l] / divisor);
                   }
                 });
    return;
  }
  Scratch<double> scratch(loop.kept.count * row_pieces * width);
  double* partial = scratch.data();
  parallel_for(loop.kept.count * row_pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      sum_piece(i / row_pieces, i % row_pieces, 0, width, partial + i * width);
  });
  for (int64_t k = 0; k < loop.kept.count; ++k, partial += row_pieces * width)
    for (int64_t j = 0; j < width; ++j) {
      double total = 0;
      for (int64_t i = 0; i < row_pieces; ++i) total += partial[i * width + j];
      y[k * width + j] = T(total / divisor);
    }
}

template <class T>
void reduce(Reduce op, const ReduceLoop& loop, double divisor, const T* x, T* y) {
  using V = Vec<T>;
  const auto apply = [&](auto f) {
    if (loop.inner_reduced)
      reduce_runs(loop, x, y, divisor, f);
    else
      reduce_columns(loop, x, y, divisor, f);
  };
  switch (op) {
    case Reduce::sum:
    case Reduce::mean:
      return apply([](V a) { return a; });
    case Reduce::sum_abs:
      return apply([](V a) { return abs(a); });
    case Reduce::sum_square:
      return apply([](V a) { return a * a; });
  }
}

template <class T>
void reduce_backward(Reduce op, const BroadcastLoop& loop, int64_t count, const T* dy, const T* x,
                     T* dx) {
  using V = Vec<T>;
  const auto stretch = [&](V scale) {
    broadcast_map(
        loop, dx, [=](V a, V) { return a * scale; }, dy, dy);
  };
  const auto apply = [&](auto f) { broadcast_map(loop, dx, f, dy, x); };
  switch (op) {
    case Reduce::sum:
      return stretch(T(1));
    case Reduce::mean:
      return stretch(T(1) / T(count));
    case Reduce::sum_abs:
      return apply([](V a, V b) { return a * sign(b); });
    case Reduce::sum_square:
      return apply([](V a, V b) { return a * (b + b); });
  }
}

/// Not `greater`: a NaN wins, and nothing wins against it but, where the last does, another.
template <bool last, class T>
bool wins(T x, T best) {
  return last ? !(x < best) && (x != x || best == best) : !(x <= best) && best == best;
}

template <bool last, class T>
void max_of(int64_t outer, int64_t n, int64_t inner, const T* x, T* y, int64_t* indices) {
  if (inner == 0) return;
  parallel_for(outer, row_grain(n * inner), [=](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      const T* from = x + k * n * inner;
      T* best = y + k * inner;
      int64_t* where = indices + k * inner;
      std::copy_n(from, inner, best);
      std::fill_n(where, inner, 0);
      for (int64_t i = 1; i < n; ++i) {
        from += inner;
        for (int64_t j = 0; j < inner; ++j) {
          const bool better = wins<last>(from[j], best[j]);
          best[j] = better ? from[j] : best[j];
          where[j] = better ? i : where[j];
        }
      }
    }
  });
}

template <class T>
void max(int64_t outer, int64_t n, int64_t inner, bool last, const T* x, T* y, int64_t* indices) {
  if (last)
    max_of<true>(outer, n, inner, x, y, indices);
  else
    max_of<false>(outer, n, inner, x, y, indices);
}

template <class T>
void max_backward(int64_t outer, int64_t n, int64_t inner, const T* dy, const int64_t* indices,
                  T* dx) {
  if (inner == 0) return;
  parallel_for(outer, row_grain(n * inner), [=](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      T* to = dx + k * n * inner;
      const T* d = dy + k * inner;
      const int64_t* where = indices + k * inner;
      std::fill_n(to, n * inner, T(0));
      for (int64_t j = 0; j < inner; ++j) to[where[j] * inner + j] = d[j];
    }
  });
}

}  // namespace

template <class T>
ReduceKernels<T> reduce_kernels() {
  return {.reduce = reduce<T>,
          .reduce_backward = reduce_backward<T>,
          .max = max<T>,
          .max_backward = max_backward<T>};
}

template ReduceKernels<float> reduce_kernels();
#if HEBB_FLOAT64
template ReduceKernels<double> reduce_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
