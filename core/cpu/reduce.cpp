#include "core/cpu/broadcast.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/scratch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Some axes of a tensor, innermost first.
struct AxisList {
  struct Axis {
    int64_t extent, step;
  };
  std::array<Axis, Shape::max_rank> axes;
  int rank = 0;
  int64_t count = 1;

  void add(Axis axis) {
    axes[rank++] = axis;
    count *= axis.extent;
  }
  void widen(int64_t factor) {
    axes[rank - 1].extent *= factor;
    count *= factor;
  }
  int64_t offset(int64_t index) const {
    int64_t offset = 0;
    for (int i = 0; i < rank; ++i) {
      const bool outermost = i + 1 == rank;
      offset += (outermost ? index : index % axes[i].extent) * axes[i].step;
      if (!outermost) index /= axes[i].extent;
    }
    return offset;
  }
};

/// The loop nest of a reduction: extents of 1 dropped, neighbours of one kind merged. The innermost
/// run of elements stands apart, `kept` and `reduced` hold what is around it.
struct ReduceLoop {
  AxisList kept, reduced;
  int64_t inner = 1;
  bool inner_reduced = true;

  ReduceLoop(const Shape& shape, uint32_t mask) {
    int64_t step = 1;
    bool started = false, last_reduced = true;
    for (int i = shape.rank() - 1; i >= 0; step *= shape[i], --i) {
      if (shape[i] == 1) continue;
      const bool is_reduced = mask >> i & 1;
      if (!started) {
        inner = shape[i];
        inner_reduced = is_reduced;
      } else if (is_reduced != last_reduced) {
        (is_reduced ? reduced : kept).add({shape[i], step});
      } else if (kept.rank + reduced.rank == 0) {
        inner *= shape[i];
      } else {
        (is_reduced ? reduced : kept).widen(shape[i]);
      }
      started = true;
      last_reduced = is_reduced;
    }
  }
};

/// Reduced runs: one double for each piece of a run, added up in order.
template <class T, class F>
void reduce_runs(const ReduceLoop& loop, const T* x, T* y, double divisor, F f) {
  const int64_t results = loop.kept.count, pieces = ceil_div(loop.inner, 2 * grain);
  const int64_t parts = loop.reduced.count * pieces;
  const auto part = [&](int64_t result, int64_t i) {
    const int64_t begin = i % pieces * 2 * grain;
    const T* run = x + loop.kept.offset(result) + loop.reduced.offset(i / pieces);
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
  const AxisList::Axis row_axis = loop.reduced.rank ? loop.reduced.axes[0] : AxisList::Axis{1, 0};
  const int64_t rows = loop.reduced.count, width = loop.inner;
  const int64_t columns = std::min(width, most_columns);
  const int64_t column_pieces = ceil_div(width, columns);
  const int64_t piece_rows = column_pieces > 1 ? rows : ceil_div(2 * grain, width);
  const int64_t row_pieces = ceil_div(rows, piece_rows);
  const auto sum_piece = [&](int64_t result, int64_t row_piece, int64_t j, int64_t n,
                             double* sums) {
    const T* base = x + loop.kept.offset(result) + j;
    const int64_t end = std::min(rows, (row_piece + 1) * piece_rows);
    std::fill_n(sums, n, 0.0);
    for (int64_t r = row_piece * piece_rows; r < end;) {
      const int64_t run = std::min(end - r, row_axis.extent - r % row_axis.extent);
      add_columns(base + loop.reduced.offset(r), run, row_axis.step, n, sums, f);
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

Shape reduced_shape(const Shape& shape, uint32_t mask) {
  std::array<int64_t, Shape::max_rank> extents{};
  size_t rank = 0;
  for (int i = 0; i < shape.rank(); ++i)
    if (!(mask >> i & 1)) extents[rank++] = shape[i];
  return Shape(std::span<const int64_t>(extents.data(), rank));
}

/// The reduced axes kept with extent 1.
Shape stretchable_shape(const Shape& shape, uint32_t mask) {
  std::array<int64_t, Shape::max_rank> extents{};
  for (int i = 0; i < shape.rank(); ++i) extents[i] = mask >> i & 1 ? 1 : shape[i];
  return Shape(std::span<const int64_t>(extents.data(), size_t(shape.rank())));
}

int64_t reduced_count(const Shape& shape, uint32_t mask) {
  int64_t count = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (mask >> i & 1) count *= shape[i];
  return count;
}

}  // namespace

Tensor CpuBackend::reduce(Reduce op, const Tensor& x, uint32_t axes) {
  const Tensor y = Tensor::empty(reduced_shape(x.shape(), axes), x.options());
  const double divisor = op == Reduce::mean ? double(reduced_count(x.shape(), axes)) : 1.0;
  if (x.numel() == 0) {
    fill(y, 0.0 / divisor);
    return y;
  }
  const ReduceLoop loop(x.shape(), axes);
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const auto apply = [&](auto f) {
      if (loop.inner_reduced)
        reduce_runs(loop, data_of<T>(x), data_of<T>(y), divisor, f);
      else
        reduce_columns(loop, data_of<T>(x), data_of<T>(y), divisor, f);
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
  });
  return y;
}

Tensor CpuBackend::reduce_backward(Reduce op, const Tensor& dy, const Tensor& x, uint32_t axes) {
  const Tensor dx = Tensor::empty(x.shape(), dy.options());
  const Shape shape = stretchable_shape(x.shape(), axes);
  dispatch_floating(dy.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const T* d = data_of<T>(dy);
    const auto stretch = [&](V scale) {
      broadcast_map(
          x.shape(), data_of<T>(dx), [=](V a, V) { return a * scale; }, d, shape, d, shape);
    };
    const auto apply = [&](auto f) {
      broadcast_map(x.shape(), data_of<T>(dx), f, d, shape, data_of<T>(x), x.shape());
    };
    switch (op) {
      case Reduce::sum:
        return stretch(T(1));
      case Reduce::mean:
        return stretch(T(1) / T(reduced_count(x.shape(), axes)));
      case Reduce::sum_abs:
        return apply([](V a, V b) { return a * sign(b); });
      case Reduce::sum_square:
        return apply([](V a, V b) { return a * (b + b); });
    }
  });
  return dx;
}

Tensor CpuBackend::sum_to(const Tensor& x, const Shape& shape) {
  const int added = x.rank() - shape.rank();
  uint32_t axes = 0;
  for (int i = 0; i < x.rank(); ++i)
    if (i < added || shape[i - added] != x.size(i)) axes |= 1u << i;
  return (axes ? reduce(Reduce::sum, x, axes) : x).view(shape);
}

Backend::WithIndices CpuBackend::max(const Tensor& x, int axis) {
  const Shape shape = x.shape().without(axis);
  const Tensor y = Tensor::empty(shape, x.options());
  const Tensor indices = Tensor::empty(shape, {DType::int64, x.device()});
  const int64_t n = x.size(axis), inner = x.shape().product(axis + 1, x.rank());
  if (x.numel() == 0) return {y, indices};
  dispatch_floating(x.dtype(), [&]<class T>() {
    parallel_for(shape.numel() / inner, row_grain(n * inner), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        const T* from = data_of<T>(x) + k * n * inner;
        T* best = data_of<T>(y) + k * inner;
        int64_t* where = data_of<int64_t>(indices) + k * inner;
        std::copy_n(from, inner, best);
        std::fill_n(where, inner, 0);
        for (int64_t i = 1; i < n; ++i) {
          from += inner;
          for (int64_t j = 0; j < inner; ++j) {
            // Not `greater`: a NaN wins, and nothing wins against it.
            const bool wins = !(from[j] <= best[j]) && best[j] == best[j];
            best[j] = wins ? from[j] : best[j];
            where[j] = wins ? i : where[j];
          }
        }
      }
    });
  });
  return {y, indices};
}

Tensor CpuBackend::max_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                int axis) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  const int64_t n = shape[axis], inner = shape.product(axis + 1, shape.rank());
  if (shape.numel() == 0) return dx;
  dispatch_floating(dy.dtype(), [&]<class T>() {
    parallel_for(dy.numel() / inner, row_grain(n * inner), [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; ++k) {
        T* to = data_of<T>(dx) + k * n * inner;
        const T* d = data_of<T>(dy) + k * inner;
        const int64_t* where = data_of<int64_t>(indices) + k * inner;
        std::fill_n(to, n * inner, T(0));
        for (int64_t j = 0; j < inner; ++j) to[where[j] * inner + j] = d[j];
      }
    });
  });
  return dx;
}

Tensor CpuBackend::count_equal(const Tensor& a, const Tensor& b) {
  const Tensor count = Tensor::empty({}, {DType::int64, a.device()});
  const int64_t* u = data_of<int64_t>(a);
  const int64_t* v = data_of<int64_t>(b);
  int64_t equal = 0;
  for (int64_t i = 0, n = a.numel(); i < n; ++i) equal += u[i] == v[i];
  *data_of<int64_t>(count) = equal;
  return count;
}

}  // namespace hebb::cpu::HEBB_ISA
