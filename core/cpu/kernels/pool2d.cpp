#include <cstring>
#include <limits>
#include <type_traits>

#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/cpu/simd/integers.hpp"
#include "core/cpu/simd/vector.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Calls function(plane, end) in the order of planes, the last of which that the thread writes is
/// before `end`.
template <class Function>
void for_each_plane(const PoolGeometry& g, Function&& function) {
  constexpr int64_t elements = 32768;
  const int64_t grain = larger(1, elements / larger(1, g.height * g.width));
  parallel_for(g.planes, grain, [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) function(plane, end);
  });
}

/// length / step, rounded up. A division takes as long as a small window.
int64_t steps_in(int64_t length, int64_t step) {
  return step == 1 ? length : ceil_div(length, step);
}

/// The positions of a window that lie inside the input: begin, begin + step, ... below end.
struct Range {
  int64_t begin, end, step;
  int64_t count() const { return begin < end ? steps_in(end - begin, step) : 0; }
};
Range window(int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t dilation,
             int64_t size) {
  const int64_t begin = out * stride - pad;
  return {begin < 0 ? begin + ceil_div(-begin, dilation) * dilation : begin,
          smaller(size, begin + (kernel - 1) * dilation + 1), dilation};
}
Range window_rows(const PoolGeometry& g, int64_t oy) {
  return window(oy, g.kernel_h, g.stride_h, g.pad_h, g.dilation_h, g.height);
}
Range window_columns(const PoolGeometry& g, int64_t ox) {
  return window(ox, g.kernel_w, g.stride_w, g.pad_w, g.dilation_w, g.width);
}

bool halves(const PoolGeometry& g) {
  return g.kernel_h == 2 && g.kernel_w == 2 && g.stride_h == 2 && g.stride_w == 2 && g.pad_h == 0 &&
         g.pad_w == 0 && g.dilation_h == 1 && g.dilation_w == 1 && 2 * g.out_h <= g.height &&
         2 * g.out_w <= g.width;
}

template <class T>
bool beats(T x, T best) {
  return x > best || (x != x && best == best);
}

template <class T>
struct Best {
  T value;
  int32_t position;
  void consider(T x, int64_t at) {
    if (beats(x, value)) value = x, position = int32_t(at);
  }
};

template <class T>
Best<T> best_of_window(const PoolGeometry& g, const T* x, int64_t oy, int64_t ox) {
  const Range rows = window_rows(g, oy), columns = window_columns(g, ox);
  if (rows.begin >= rows.end || columns.begin >= columns.end)
    return {-std::numeric_limits<T>::infinity(), -1};
  const int64_t start = rows.begin * g.width + columns.begin;
  Best<T> best = {x[start], int32_t(start)};
  for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step)
    for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step)
      best.consider(x[iy * g.width + ix], iy * g.width + ix);
  return best;
}

using Floats = Vec<float>;
using Positions = Floats::Mask;

struct Pairs {
  Floats even, odd;
};

/// The first 2 n elements, n <= lanes, as n pairs.
Pairs load_pairs(const float* p, int64_t n) {
  constexpr int64_t lanes = Floats::lanes;
  const bool full = n == lanes;
  const Floats a = full ? load(p) : load(p, smaller(lanes, 2 * n));
  const Floats b = full            ? load(p + lanes)
                   : 2 * n > lanes ? load(p + lanes, 2 * n - lanes)
                                   : Floats(0.0f);
  Pairs pairs;
  split_pairs(a, b, pairs.even, pairs.odd);
  return pairs;
}

/// To memory that is written in order up to `end`.
void store_pairs(float* p, Pairs pairs, int64_t n, const float* end) {
  constexpr int64_t lanes = Floats::lanes;
  Floats a, b;
  join_pairs(pairs.even, pairs.odd, a, b);
  store_in_order(p, a, smaller(lanes, 2 * n), end);
  if (2 * n > lanes) store_in_order(p + lanes, b, 2 * n - lanes, end);
}

/// Where the left upper elements of the windows stand whose first one is at `first`.
Positions window_positions(int64_t first) {
  Positions at;
  for (int i = 0; i < int(Floats::lanes); ++i) at[i] = int32_t(first) + 2 * i;
  return at;
}

/// Calls function(ox, n) for the outputs [ox, ox + n) of a row: `lanes` at a time, of which the
/// last overlap those before, or all of a shorter row.
template <class Function>
void for_each_stretch(int64_t out_w, Function&& function) {
  const int64_t n = smaller(Floats::lanes, out_w);
  for (int64_t ox = 0; ox < out_w; ox += Floats::lanes) function(smaller(ox, out_w - n), n);
}

/// The functions of 2x2 windows with stride 2 work on one row of outputs. They are called in the
/// order of rows, and what they write ends at `end`.
void max_halves(const float* x, int64_t width, int64_t out_w, int64_t first, float* y,
                const float* end, int32_t* argmax) {
  for_each_stretch(out_w, [&](int64_t ox, int64_t n) {
    const Positions at = window_positions(first + 2 * ox);
    const Pairs top = load_pairs(x + 2 * ox, n), bottom = load_pairs(x + width + 2 * ox, n);
    Floats best = top.even;
    Positions where = at;
    const auto consider = [&](Floats candidate, Positions position) {
      const Positions better = (candidate > best) | ((candidate != candidate) & (best == best));
      best = select(better, candidate, best);
      where = better ? position : where;
    };
    consider(top.odd, at + 1);
    consider(bottom.even, at + int32_t(width));
    consider(bottom.odd, at + int32_t(width + 1));
    store_in_order(y + ox, best, n, end);
    float* at_best = reinterpret_cast<float*>(argmax + ox);
    store_in_order(at_best, Floats::from_bits(where), n, at_best + (end - (y + ox)));
  });
}

void max_halves_backward(const float* dy, const int32_t* argmax, int64_t width, int64_t out_w,
                         int64_t first, float* dx, const float* end) {
  for_each_stretch(out_w, [&](int64_t ox, int64_t n) {
    const Positions at = window_positions(first + 2 * ox);
    const Floats gradient = load(dy + ox, n);
    const Positions where = load(reinterpret_cast<const float*>(argmax + ox), n).bits();
    const auto share = [&](Positions position) {
      return select(Positions(where == position), gradient, Floats(0.0f));
    };
    store_pairs(dx + 2 * ox, {share(at), share(at + 1)}, n, end);
    store_pairs(dx + width + 2 * ox, {share(at + int32_t(width)), share(at + int32_t(width + 1))},
                n, end);
  });
}

void avg_halves(const float* x, int64_t width, int64_t out_w, float* y, const float* end) {
  for_each_stretch(out_w, [&](int64_t ox, int64_t n) {
    const Pairs top = load_pairs(x + 2 * ox, n), bottom = load_pairs(x + width + 2 * ox, n);
    store_in_order(y + ox, (top.even + top.odd + bottom.even + bottom.odd) * Floats(0.25f), n, end);
  });
}

void avg_halves_backward(const float* dy, int64_t width, int64_t out_w, float* dx,
                         const float* end) {
  for_each_stretch(out_w, [&](int64_t ox, int64_t n) {
    const Floats share = load(dy + ox, n) * Floats(0.25f);
    store_pairs(dx + 2 * ox, {share, share}, n, end);
    store_pairs(dx + width + 2 * ox, {share, share}, n, end);
  });
}

/// The part of the input that no 2x2 window reaches: the last row or column of an odd size.
void clear_rest(const PoolGeometry& g, float* dx) {
  if (2 * g.out_h == g.height && 2 * g.out_w == g.width) return;
  for (int64_t iy = 0; iy < g.height; ++iy)
    for (int64_t ix = iy < 2 * g.out_h ? 2 * g.out_w : 0; ix < g.width; ++ix)
      dx[iy * g.width + ix] = 0.0f;
}

/// 1 / how many positions of the padded input the window of output (oy, ox) covers, or of the
/// input.
template <class T>
T window_weight(const PoolGeometry& g, int64_t oy, int64_t ox) {
  if (!g.count_include_pad)
    return T(1) / T(window_rows(g, oy).count() * window_columns(g, ox).count());
  const int64_t top = oy * g.stride_h - g.pad_h, left = ox * g.stride_w - g.pad_w;
  const int64_t h = smaller(g.kernel_h, steps_in(g.height + g.pad_h - top, g.dilation_h));
  const int64_t w = smaller(g.kernel_w, steps_in(g.width + g.pad_w - left, g.dilation_w));
  return T(1) / T(h * w);
}

template <class T>
void max_plane(const PoolGeometry& g, const T* x, T* y, int32_t* argmax) {
  for (int64_t oy = 0; oy < g.out_h; ++oy)
    for (int64_t ox = 0; ox < g.out_w; ++ox) {
      const Best<T> best = best_of_window(g, x, oy, ox);
      y[oy * g.out_w + ox] = best.value;
      argmax[oy * g.out_w + ox] = best.position;
    }
}

template <class T>
void avg_plane(const PoolGeometry& g, const T* x, T* y) {
  for (int64_t oy = 0; oy < g.out_h; ++oy) {
    const Range rows = window_rows(g, oy);
    for (int64_t ox = 0; ox < g.out_w; ++ox) {
      const Range columns = window_columns(g, ox);
      T sum = T(0);
      for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step)
        for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step)
          sum += x[iy * g.width + ix];
      const bool empty = rows.begin >= rows.end || columns.begin >= columns.end;
      y[oy * g.out_w + ox] = empty ? T(0) : sum * window_weight<T>(g, oy, ox);
    }
  }
}

template <class T>
void avg_plane_backward(const PoolGeometry& g, const T* dy, T* dx) {
  std::memset(dx, 0, size_t(g.height * g.width) * sizeof(T));
  for (int64_t oy = 0; oy < g.out_h; ++oy) {
    const Range rows = window_rows(g, oy);
    for (int64_t ox = 0; ox < g.out_w; ++ox) {
      const Range columns = window_columns(g, ox);
      if (rows.begin >= rows.end || columns.begin >= columns.end) continue;
      const T share = dy[oy * g.out_w + ox] * window_weight<T>(g, oy, ox);
      for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step)
        for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step)
          dx[iy * g.width + ix] += share;
    }
  }
}

template <class T>
void max_pool2d(const PoolGeometry& g, const T* x, T* y, int32_t* argmax) {
  for_each_plane(g, [&](int64_t plane, [[maybe_unused]] int64_t end) {
    const T* in = x + plane * g.height * g.width;
    T* out = y + plane * g.out_h * g.out_w;
    int32_t* at = argmax + plane * g.out_h * g.out_w;
    if constexpr (std::is_same_v<T, float>)
      if (halves(g)) {
        for (int64_t oy = 0; oy < g.out_h; ++oy)
          max_halves(in + 2 * oy * g.width, g.width, g.out_w, 2 * oy * g.width, out + oy * g.out_w,
                     y + end * g.out_h * g.out_w, at + oy * g.out_w);
        return;
      }
    max_plane(g, in, out, at);
  });
}

template <class T>
void max_pool2d_backward(const PoolGeometry& g, const T* dy, const int32_t* argmax, T* dx) {
  const int64_t positions = g.out_h * g.out_w, in_plane = g.height * g.width;
  for_each_plane(g, [&](int64_t plane, [[maybe_unused]] int64_t end) {
    const T* from = dy + plane * positions;
    const int32_t* at = argmax + plane * positions;
    T* to = dx + plane * in_plane;
    if constexpr (std::is_same_v<T, float>)
      if (halves(g)) {
        for (int64_t oy = 0; oy < g.out_h; ++oy)
          max_halves_backward(from + oy * g.out_w, at + oy * g.out_w, g.width, g.out_w,
                              2 * oy * g.width, to + 2 * oy * g.width, dx + end * in_plane);
        clear_rest(g, to);
        return;
      }
    std::memset(to, 0, size_t(in_plane) * sizeof(T));
    for (int64_t i = 0; i < positions; ++i)
      if (at[i] >= 0) to[at[i]] += from[i];
  });
}

template <class T>
void avg_pool2d(const PoolGeometry& g, const T* x, T* y) {
  for_each_plane(g, [&](int64_t plane, [[maybe_unused]] int64_t end) {
    const T* in = x + plane * g.height * g.width;
    T* out = y + plane * g.out_h * g.out_w;
    if constexpr (std::is_same_v<T, float>)
      if (halves(g)) {
        for (int64_t oy = 0; oy < g.out_h; ++oy)
          avg_halves(in + 2 * oy * g.width, g.width, g.out_w, out + oy * g.out_w,
                     y + end * g.out_h * g.out_w);
        return;
      }
    avg_plane(g, in, out);
  });
}

template <class T>
void avg_pool2d_backward(const PoolGeometry& g, const T* dy, T* dx) {
  for_each_plane(g, [&](int64_t plane, [[maybe_unused]] int64_t end) {
    const T* from = dy + plane * g.out_h * g.out_w;
    T* to = dx + plane * g.height * g.width;
    if constexpr (std::is_same_v<T, float>)
      if (halves(g)) {
        for (int64_t oy = 0; oy < g.out_h; ++oy)
          avg_halves_backward(from + oy * g.out_w, g.width, g.out_w, to + 2 * oy * g.width,
                              dx + end * g.height * g.width);
        clear_rest(g, to);
        return;
      }
    avg_plane_backward(g, from, to);
  });
}

}  // namespace

template <class T>
PoolKernels<T> pool2d_kernels() {
  return {.max_pool2d = max_pool2d<T>,
          .max_pool2d_backward = max_pool2d_backward<T>,
          .avg_pool2d = avg_pool2d<T>,
          .avg_pool2d_backward = avg_pool2d_backward<T>};
}

template PoolKernels<float> pool2d_kernels();
#if HEBB_FLOAT64
template PoolKernels<double> pool2d_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
