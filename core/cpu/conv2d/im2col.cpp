#include "core/cpu/conv2d/im2col.hpp"

#include <cstring>
#include <type_traits>

#include "core/cpu/conv2d/panels.hpp"
#include "core/cpu/conv2d/weight_sums.hpp"
#include "core/cpu/scratch.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

struct Unfolding {
  int64_t kernel, positions, in_plane;  ///< elements of one kernel, output plane and input plane
  int64_t tile, tiles;                  ///< output positions unfolded at a time
  int64_t group, groups;                ///< input channels whose gradients are computed together
  bool view;                            ///< 1x1 with stride 1: the input is its own unfolding

  explicit Unfolding(const ConvGeometry& g)
      : kernel(g.kernel_h * g.kernel_w),
        positions(g.out_h * g.out_w),
        in_plane(g.height * g.width),
        view(kernel == 1 && g.stride_h == 1 && g.stride_w == 1 && g.pad_h == 0 && g.pad_w == 0) {
    constexpr int64_t elements = 65536, quantum = 64, group_rows = 144;
    group = smaller(g.channels, ceil_div(group_rows, kernel));
    groups = ceil_div(g.channels, group);
    tile = larger(quantum, elements / (g.channels * kernel) / quantum * quantum);
    tile = smaller(positions, tile);
    tiles = ceil_div(positions, tile);
  }
};

/// The output columns [begin, end) of [0, out_w) that read a column inside the input.
struct Span {
  int64_t begin, end;
};
Span inside(const ConvGeometry& g, int64_t kx, int64_t from, int64_t to) {
  const int64_t shift = kx * g.dilation_w - g.pad_w;  // ix = ox * stride + shift
  const int64_t begin = shift >= 0 ? 0 : ceil_div(-shift, g.stride_w);
  const int64_t end = g.width <= shift ? 0 : ceil_div(g.width - shift, g.stride_w);
  Span span = {larger(begin, from), smaller(end, to)};
  if (span.begin > to) span.begin = to;
  if (span.end < span.begin) span.end = span.begin;
  return span;
}

/// Calls function(row of the unfolding, its column, input row or -1, kx, ox begin, ox end) for each
/// piece of an output row in [begin, end).
template <class Function>
void for_each_segment(const ConvGeometry& g, int64_t channels, int64_t begin, int64_t end,
                      Function&& function) {
  int64_t r = 0;
  for (int64_t channel = 0; channel < channels; ++channel)
    for (int64_t ky = 0; ky < g.kernel_h; ++ky)
      for (int64_t kx = 0; kx < g.kernel_w; ++kx, ++r)
        for (int64_t p = begin; p < end;) {
          const int64_t oy = p / g.out_w, ox = p - oy * g.out_w;
          const int64_t stop = smaller(g.out_w, ox + end - p);
          const int64_t iy = oy * g.stride_h + ky * g.dilation_h - g.pad_h;
          const bool outside = iy < 0 || iy >= g.height;
          function(r, p - begin, outside ? -1 : channel * g.height + iy, kx, ox, stop);
          p += stop - ox;
        }
}

/// col [channels * kernel, end - begin] = what each weight meets at the output positions
/// [begin, end) of the image x [channels, height, width].
template <class T>
void im2col(const ConvGeometry& g, int64_t channels, const T* x, int64_t begin, int64_t end,
            T* col) {
  const int64_t width = end - begin;
  for_each_segment(
      g, channels, begin, end,
      [&](int64_t r, int64_t column, int64_t row, int64_t kx, int64_t from, int64_t to) {
        T* out = col + r * width + column - from;
        const Span span = row < 0 ? Span{to, to} : inside(g, kx, from, to);
        const T* in = x + row * g.width + kx * g.dilation_w - g.pad_w;
        for (int64_t ox = from; ox < span.begin; ++ox) out[ox] = T(0);
        if (g.stride_w == 1)
          for (int64_t ox = span.begin; ox < span.end; ++ox) out[ox] = in[ox];
        else
          for (int64_t ox = span.begin; ox < span.end; ++ox) out[ox] = in[ox * g.stride_w];
        for (int64_t ox = span.end; ox < to; ++ox) out[ox] = T(0);
      });
}

/// Adds col back to where im2col took it from.
template <class T>
void col2im(const ConvGeometry& g, int64_t channels, const T* col, int64_t begin, int64_t end,
            T* x) {
  const int64_t width = end - begin;
  for_each_segment(
      g, channels, begin, end,
      [&](int64_t r, int64_t column, int64_t row, int64_t kx, int64_t from, int64_t to) {
        if (row < 0) return;
        const T* in = col + r * width + column - from;
        const Span span = inside(g, kx, from, to);
        T* out = x + row * g.width + kx * g.dilation_w - g.pad_w;
        if (g.stride_w == 1)
          for (int64_t ox = span.begin; ox < span.end; ++ox) out[ox] += in[ox];
        else
          for (int64_t ox = span.begin; ox < span.end; ++ox) out[ox * g.stride_w] += in[ox];
      });
}

/// A product whose right factor the second-level cache holds: threads share the rows.
template <class T>
void multiply_rows(const Product<T>& p) {
  const int64_t blocks = ceil_div(p.m, max_tile_rows), depths = ceil_div(p.k, most_depth);
  const int64_t grain = ceil_div(conv_piece_work, max_tile_rows * p.n * p.k);
  parallel_for(blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block)
      for (int64_t d = 0; d < depths; ++d) multiply_part(p, block, blocks, d, depths);
  });
}

}  // namespace

template <class T>
void im2col_forward(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y) {
  const Unfolding u(g);
  const int64_t rows = g.channels * u.kernel, items = g.batch * u.tiles;
  const auto product = [&](int64_t item, T* col, auto&& unfold, auto&& multiply) {
    const int64_t image = item / u.tiles, begin = item % u.tiles * u.tile;
    const int64_t end = smaller(u.positions, begin + u.tile);
    const T* in = x + image * g.channels * u.in_plane;
    if (!u.view) unfold(in, begin, end, col);
    multiply(Product<T>{.m = g.filters,
                        .n = end - begin,
                        .k = rows,
                        .a = {w, rows},
                        .b = {u.view ? in + begin : col, u.view ? u.positions : end - begin},
                        .c = y + image * g.filters * u.positions + begin,
                        .c_stride = u.positions,
                        .row_bias = bias});
  };
  if constexpr (std::is_same_v<T, float>) {  // float64 is there for checking
    constexpr int64_t few_items = 4;
    if (items <= few_items && rows * u.tile <= second_level) {
      Scratch<T> col(u.view ? 0 : rows * u.tile);
      const auto unfold = [&](const T* in, int64_t begin, int64_t end, T* to) {
        const int64_t row = u.kernel * (end - begin);
        parallel_for(g.channels, ceil_div(conv_piece_work / 16, row), [&](int64_t c, int64_t last) {
          im2col(g, last - c, in + c * u.in_plane, begin, end, to + c * row);
        });
      };
      for (int64_t item = 0; item < items; ++item)
        product(item, col.data(), unfold, multiply_rows<T>);
      return;
    }
  }
  const int64_t grain = ceil_div(conv_piece_work, g.filters * rows * u.tile);
  parallel_for(items, grain, [&](int64_t first, int64_t last) {
    Scratch<T> col(u.view ? 0 : rows * u.tile);
    const auto unfold = [&](const T* in, int64_t begin, int64_t end, T* to) {
      im2col(g, g.channels, in, begin, end, to);
    };
    for (int64_t item = first; item < last; ++item) product(item, col.data(), unfold, gemm<T>);
  });
}

template <class T>
void im2col_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx) {
  const Unfolding u(g);
  const int64_t rows = g.channels * u.kernel;
  const int64_t grain = ceil_div(conv_piece_work, g.filters * u.group * u.kernel * u.positions);
  parallel_for(g.batch * u.groups, grain, [&](int64_t first, int64_t last) {
    Scratch<T> col(u.view ? 0 : u.group * u.kernel * u.tile);
    for (int64_t item = first; item < last; ++item) {
      const int64_t image = item / u.groups, channel = item % u.groups * u.group;
      const int64_t channels = smaller(u.group, g.channels - channel);
      T* out = dx + (image * g.channels + channel) * u.in_plane;
      if (!u.view) std::memset(out, 0, size_t(channels * u.in_plane) * sizeof(T));
      for (int64_t begin = 0; begin < u.positions; begin += u.tile) {
        const int64_t end = smaller(u.positions, begin + u.tile);
        gemm<T>({.m = channels * u.kernel,
                 .n = end - begin,
                 .k = g.filters,
                 .a = {w + channel * u.kernel, rows, true},
                 .b = {dy + image * g.filters * u.positions + begin, u.positions},
                 .c = u.view ? out + begin : col.data(),
                 .c_stride = u.view ? u.positions : end - begin});
        if (!u.view) col2im(g, channels, col.data(), begin, end, out);
      }
    }
  });
}

template <class T>
void im2col_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw, T* db) {
  const Unfolding u(g);
  const int64_t rows = g.channels * u.kernel;
  accumulate_weights(
      g, u.group, 1, dy, dw, db,
      [&](int64_t first, int64_t last, int64_t channel, int64_t channels, T* sum) {
        Scratch<T> col(u.view ? 0 : channels * u.kernel * u.tile);
        for (int64_t image = first; image < last; ++image) {
          const T* in = x + (image * g.channels + channel) * u.in_plane;
          for (int64_t begin = 0; begin < u.positions; begin += u.tile) {
            const int64_t end = smaller(u.positions, begin + u.tile);
            if (!u.view) im2col(g, channels, in, begin, end, col.data());
            gemm<T>(
                {.m = g.filters,
                 .n = channels * u.kernel,
                 .k = end - begin,
                 .a = {dy + image * g.filters * u.positions + begin, u.positions},
                 .b = {u.view ? in + begin : col.data(), u.view ? u.positions : end - begin, true},
                 .c = sum,
                 .c_stride = rows,
                 .beta = image == first && begin == 0 ? T(0) : T(1)});
          }
        }
      });
}

template void im2col_forward(const ConvGeometry&, const float*, const float*, const float*, float*);
template void im2col_backward_input(const ConvGeometry&, const float*, const float*, float*);
template void im2col_backward_weight(const ConvGeometry&, const float*, const float*, float*,
                                     float*);
#if HEBB_FLOAT64
template void im2col_forward(const ConvGeometry&, const double*, const double*, const double*,
                             double*);
template void im2col_backward_input(const ConvGeometry&, const double*, const double*, double*);
template void im2col_backward_weight(const ConvGeometry&, const double*, const double*, double*,
                                     double*);
#endif

}  // namespace hebb::cpu::HEBB_ISA
