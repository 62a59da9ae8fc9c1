#include "core/cpu/conv2d/overlap_add.hpp"

#include <cstring>

#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using Floats = Vec<float>;

/// A kernel's row of all channels, in whole vectors.
int64_t lane_count(const ConvGeometry& g) {
  return ceil_div(g.kernel_w * g.channels, Floats::lanes) * Floats::lanes;
}

/// w [filters, channels, kernel_h, kernel_w] as [kernel_h, filters, kernel_w, channels], in rows of
/// whole vectors.
void lay_out_weights(const ConvGeometry& g, const float* w, float* to) {
  const int64_t row = lane_count(g), kernel = g.kernel_h * g.kernel_w;
  std::memset(to, 0, size_t(g.kernel_h * g.filters * row) * sizeof(float));
  for (int64_t ky = 0; ky < g.kernel_h; ++ky)
    for (int64_t f = 0; f < g.filters; ++f, to += row)
      for (int64_t c = 0; c < g.channels; ++c)
        for (int64_t kx = 0; kx < g.kernel_w; ++kx)
          to[kx * g.channels + c] = w[(f * g.channels + c) * kernel + ky * g.kernel_w + kx];
}

/// Rows of products have kernel_w - 1 zeros in front, which end the row before as well.
int64_t positions_of_row(const ConvGeometry& g) { return g.out_w + g.kernel_w - 1; }

/// products [height, positions, lanes]: what the output positions above each row of the input send
/// there, from one image's dy [filters, out_h, out_w].
void multiply(const ConvGeometry& g, const float* dy, const float* weights, const int32_t* offsets,
              float* products) {
  const int64_t row = lane_count(g), blocks = ceil_div(g.out_w, max_tile_rows);
  products += (g.kernel_w - 1) * row;
  for (int64_t y = 0; y < g.height; ++y) {
    float* to = products + y * positions_of_row(g) * row;
    const int64_t bottom = y + g.pad_h;  // the output row that meets this one with ky = 0
    const int64_t first = larger(0, bottom - g.out_h + 1);
    const int64_t last = smaller(g.kernel_h, bottom + 1);
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t x = g.out_w * block / blocks, end = g.out_w * (block + 1) / blocks;
      gemm_rows(end - x, row, larger(0, last - first) * g.filters,
                Gathered<float>{dy + bottom * g.out_w + x, 1, offsets + first * g.filters},
                StridedRows<float>{weights + first * g.filters * row, row},
                TileOutput<float>{.c = to + x * row, .stride = row});
    }
  }
}

/// to [height, width, channels]: the products where they overlap, from right to left. Vectors reach
/// into what comes next, which is written later; both arrays have room for one more.
void add_overlaps(const ConvGeometry& g, const float* products, float* to) {
  // Copies, since a compiler takes a vector's store for one that may change g.
  const int64_t channels = g.channels, kernel = g.kernel_w, width = g.width;
  const int64_t row = lane_count(g), step = row - channels;
  for (int64_t y = 0; y < g.height; ++y) {
    const float* position = products + (y * positions_of_row(g) + g.pad_w + kernel - 1) * row;
    for (int64_t x = 0; x < width; ++x, position += row, to += channels)
      for (int64_t c = 0; c < channels; c += Floats::lanes) {
        const float* from = position + c;
        Floats sum = load(from);
        for (int64_t kx = 1; kx < kernel; ++kx) sum += load(from -= step);
        store(to + c, sum);
      }
  }
}

}  // namespace

bool overlap_add_pays(const ConvGeometry& g) {
  // Smaller batches would win a few hundredths, which are not worth other roundings in few-shot
  // studies that stand.
  constexpr int64_t least_images = 8;
  const int64_t padded = (g.height - 1) * (g.out_w + g.kernel_w - 1 - g.pad_w) + g.width;
  return g.batch >= least_images &&
         3 * g.out_h * g.out_w * lane_count(g) <= 2 * padded * g.channels * g.kernel_w;
}

void overlap_add_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx) {
  const int64_t row = lane_count(g);
  const int64_t plane = g.height * g.width, positions = g.out_h * g.out_w;
  Scratch<float> weights(g.kernel_h * g.filters * row);
  lay_out_weights(g, w, weights.data());
  Scratch<int32_t> offsets(g.kernel_h * g.filters);
  for (int64_t ky = 0; ky < g.kernel_h; ++ky)
    for (int64_t f = 0; f < g.filters; ++f)
      offsets[ky * g.filters + f] = int32_t(f * positions - ky * g.out_w);
  const int64_t grain = ceil_div(conv_piece_work, positions * g.kernel_h * g.filters * row);
  parallel_for(g.batch, grain, [&](int64_t first, int64_t last) {
    const int64_t size = (g.height * positions_of_row(g) + g.kernel_w - 1) * row + Floats::lanes;
    Scratch<float> products(size);
    std::memset(products.data(), 0, size_t(size) * sizeof(float));
    Scratch<float> sums(plane * g.channels + Floats::lanes);
    for (int64_t n = first; n < last; ++n) {
      multiply(g, dy + n * g.filters * positions, weights.data(), offsets.data(), products.data());
      add_overlaps(g, products.data(), sums.data());
      transpose_copy(plane, g.channels, sums.data(), g.channels, dx + n * g.channels * plane,
                     plane);
    }
  });
}

}  // namespace hebb::cpu::HEBB_ISA
