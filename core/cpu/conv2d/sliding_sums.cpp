#include "core/cpu/conv2d/sliding_sums.hpp"

#include <cstring>
#include <utility>

#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using Floats = Vec<float>;

constexpr int least_kernel = 3, most_kernel = 7;

/// Strips reach behind the image by no more than their width.
constexpr int64_t slack = 4 * Floats::lanes;

/// Images of `height` rows, and what the columns [0, depth) of all channels' kernels meet in a row:
/// the stretches of memory that begin at its offsets. Row p of the weights is column p of a kernel,
/// from its last row to its first.
struct Columns {
  int64_t height, row, depth;
  const int32_t* offset;
};

/// Whether a strip may be wider than the output: 16 registers have no room for a mask beside the
/// sums of several vectors.
constexpr bool masked(int vectors) { return vectors == 1 || vector_registers == 32; }

/// A strip of the output [out_h, columns], with rows out_w apart. Input row r meets the output rows
/// r + pad_h - kernel_h + 1 to r + pad_h, which the sums stand for.
template <int kernel_h, int vectors>
void strip(const ConvGeometry& g, const Columns& in, const float* x, const float* weights,
           const float* bias, int64_t columns, float* y) {
  const int64_t out_h = g.out_h, out_w = g.out_w, depth = in.depth;
  const int64_t last = columns - (vectors - 1) * Floats::lanes;
  Floats sums[kernel_h][vectors];
#pragma GCC unroll 7
  for (int j = 0; j < kernel_h; ++j)
#pragma GCC unroll 4
    for (int v = 0; v < vectors; ++v) sums[j][v] = 0.0f;
  const auto write = [&](int64_t oy, const Floats(&sum)[vectors]) {
    if (oy < 0 || oy >= out_h) return;
    float* to = y + oy * out_w;
    const Floats constant = bias ? *bias : 0.0f;  // read anew, or it would take a register
#pragma GCC unroll 4
    for (int v = 0; v + 1 < vectors; ++v) store(to + v * Floats::lanes, sum[v] + constant);
    to += (vectors - 1) * Floats::lanes;
    const Floats end = sum[vectors - 1] + constant;
    if (!masked(vectors) || last == Floats::lanes)
      store(to, end);
    else
      store(to, end, last);
  };
  int64_t top = g.pad_h - kernel_h + 1;
  for (int64_t r = 0; r < in.height; ++r, ++top, x += in.row) {
    const float* weight = weights;
    for (int64_t p = 0; p < depth; ++p, weight += kernel_h) {
      const float* from = x + in.offset[p];
      Floats at[vectors];
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v) at[v] = load(from + v * Floats::lanes);
#pragma GCC unroll 7
      for (int j = 0; j < kernel_h; ++j) {
        const Floats factor = weight[j];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) sums[j][v] += factor * at[v];
      }
    }
    write(top, sums[0]);
#pragma GCC unroll 7
    for (int j = 0; j < kernel_h; ++j)
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        sums[j][v] = j + 1 < kernel_h ? sums[(j + 1) % kernel_h][v] : Floats(0.0f);
  }
#pragma GCC unroll 7
  for (int j = 0; j < kernel_h; ++j) write(top + j, sums[j]);
}

/// In strips as wide as there are vectors for; the last of a width overlaps the one before.
template <int kernel_h>
void plane(const ConvGeometry& g, const Columns& in, const float* x, const float* weights,
           const float* bias, float* y) {
  int64_t first = 0;
  const auto run = [&]<int vectors>() {
    constexpr int64_t lanes = Floats::lanes, width = vectors * lanes;
    if (g.out_w <= (masked(vectors) ? width - lanes : width - 1)) return;
    for (; g.out_w - first > vectors / 2 * lanes; first += width) {
      const int64_t left = larger(0, smaller(first, g.out_w - width));
      strip<kernel_h, vectors>(g, in, x + left, weights, bias, smaller(width, g.out_w), y + left);
    }
  };
  if constexpr (tile_vectors(kernel_h) >= 4) run.template operator()<4>();
  run.template operator()<2>();
  run.template operator()<1>();
}

using Plane = void (*)(const ConvGeometry&, const Columns&, const float*, const float*,
                       const float*, float*);
template <int... k>
Plane find_plane(int64_t kernel_h, std::integer_sequence<int, k...>) {
  static constexpr Plane table[] = {plane<least_kernel + k>...};
  return table[kernel_h - least_kernel];
}

}  // namespace

bool sliding_sums_pay(const ConvGeometry& g) {
  const int64_t stored = ceil_div(g.out_w, Floats::lanes) * Floats::lanes;
  return g.filters == 1 && g.kernel_h >= least_kernel && g.kernel_h <= most_kernel &&
         4 * g.out_w >= 3 * stored;
}

void sliding_sums_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                          float* y) {
  const int64_t row = g.width + g.pad_w, depth = g.channels * g.kernel_w;
  Scratch<int32_t> offsets(depth);
  Scratch<float> weights(g.filters * depth * g.kernel_h);
  for (int64_t c = 0; c < g.channels; ++c)
    for (int64_t kx = 0; kx < g.kernel_w; ++kx) {
      const int64_t p = c * g.kernel_w + kx;
      offsets[p] = int32_t(c * g.height * row + kx);
      for (int64_t f = 0; f < g.filters; ++f)
        for (int64_t j = 0; j < g.kernel_h; ++j)
          weights[(f * depth + p) * g.kernel_h + j] =
              w[((f * g.channels + c + 1) * g.kernel_h - 1 - j) * g.kernel_w + kx];
    }
  const Columns columns{g.height, row, depth, offsets.data()};
  const Plane plane =
      find_plane(g.kernel_h, std::make_integer_sequence<int, most_kernel - least_kernel + 1>());
  const int64_t work = g.filters * depth * g.kernel_h * g.out_h * g.out_w;
  parallel_for(g.batch, ceil_div(conv_piece_work, work), [&](int64_t first, int64_t last) {
    const int64_t size = g.channels * g.height * row + g.pad_w + slack;
    Scratch<float> padded(size);
    std::memset(padded.data(), 0, size_t(size) * sizeof(float));
    for (int64_t n = first; n < last; ++n) {
      const float* from = x + n * g.channels * g.height * g.width;
      for (int64_t i = 0; i < g.channels * g.height; ++i)
        copy_row(g.width, from + i * g.width, padded.data() + i * row + g.pad_w);
      for (int64_t f = 0; f < g.filters; ++f)
        plane(g, columns, padded.data(), weights.data() + f * depth * g.kernel_h,
              bias ? bias + f : nullptr, y + (n * g.filters + f) * g.out_h * g.out_w);
    }
  });
}

}  // namespace hebb::cpu::HEBB_ISA
