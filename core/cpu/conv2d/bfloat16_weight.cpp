#include "core/cpu/conv2d/bfloat16.hpp"
#include "core/cpu/conv2d/correlations.hpp"
#include "core/cpu/conv2d/weight_sums.hpp"
#include "core/cpu/simd/copy.hpp"

namespace hebb::cpu::HEBB_ISA {

using namespace bfloat16;

/// Sums [32 channels, 32 filters] of each weight are added up over the batch, part by part. They
/// belong to one thread each, which goes over all positions of the part.
template <class E>
void bfloat16_backward_weight(Bfloat16Unit unit, const ConvGeometry& g, const E* x, const E* dy,
                              float* dw, float* db) {
  constexpr int64_t most = int64_t(1) << 22;  // bytes of the rasters
  constexpr const E* no_second = nullptr;
  const Axis rows = Axis::of_rows(g), columns = Axis::of_columns(g);
  const Extent extent_h = forward_extent(rows), extent_w = forward_extent(columns);
  const int64_t kernel = g.kernel_h * g.kernel_w, plane = g.height * g.width,
                positions = g.out_h * g.out_w;
  const int64_t left_blocks = ceil_div(g.channels, block),
                right_blocks = ceil_div(g.filters, block);
  if (db)
    parallel_for(g.filters, 8, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f) db[f] = bias_gradient(g, 0, g.batch, f, dy);
    });
  if (g.batch == 0 || positions == 0) return clear(dw, g.filters * g.channels * kernel);
  const int64_t image =
      2 * (left_blocks * block * extent_h.phases * extent_w.phases + right_blocks * block) *
      (g.out_h + extent_h.most_shift) * extent_w.count;
  const bfloat16::Cut cut(g.batch, g.out_h, extent_h.most_shift, image, most);
  constexpr int64_t tile = side * side;
  Scratch<float> sums(left_blocks * right_blocks * kernel * 4 * tile);
  for (int64_t piece = 0; piece < cut.pieces; ++piece) {
    const Raster r = cut.raster(piece, extent_h, extent_w, g.height, g.width);
    const int64_t first_row = cut.first_row(piece);
    const Raster out{.height = g.out_h,
                     .width = g.out_w,
                     .step_h = 1,
                     .step_w = 1,
                     .phases_h = 1,
                     .phases_w = 1,
                     .lead_h = -first_row,
                     .lead_w = 0,
                     .images = r.images,
                     .rows = cut.last_row(piece) - first_row,
                     .columns = r.columns};
    const int64_t steps = ceil_div(out.phase(), step);
    const int64_t left_plane = r.plane(2), right_plane = out.plane(2);
    Scratch<uint16_t> left(left_blocks * block * left_plane);
    Scratch<uint16_t> right(right_blocks * 2 * steps * tile_numbers);
    const E* images = x + cut.first_image(piece) * g.channels * plane;
    const E* results = dy + cut.first_image(piece) * g.filters * positions;
    parallel_for(left_blocks * 4 + right_blocks * 2, 1, [&](int64_t begin, int64_t end) {
      Scratch<uint16_t> planes(side * right_plane);
      for (int64_t item = begin; item < end; ++item) {
        if (item < left_blocks * 4) {
          for (int64_t c = item * 8; c < item * 8 + 8; ++c)
            if (c < g.channels)
              fill_plane<Singles>(r, images + c * plane, no_second, g.channels * plane,
                                  left.data() + c * left_plane);
            else
              clear(left.data() + c * left_plane, left_plane);
          continue;
        }
        const int64_t number = item - left_blocks * 4;
        for (int64_t i = 0; i < side; ++i)
          if (const int64_t f = number * side + i; f < g.filters)
            fill_plane<Singles>(out, results + f * positions, no_second, g.filters * positions,
                                planes.data() + i * right_plane);
          else
            clear(planes.data() + i * right_plane, right_plane);
        uint16_t* to = right.data() + number * steps * tile_numbers;
        for (int64_t s = 0; s < steps; ++s, to += tile_numbers) {
          __m512i words[side];
#pragma GCC unroll 16
          for (int64_t i = 0; i < side; ++i)
            words[i] = _mm512_loadu_si512(planes.data() + i * right_plane + s * step);
          transpose_words(words, to);
        }
      }
    });
    parallel_for(left_blocks * right_blocks * g.kernel_h, 1, [&](int64_t begin, int64_t end) {
      constexpr int64_t steps_at_once = 8;  // what the first-level cache holds
      const Multiplier multiply(unit);
      for (int64_t item = begin; item < end; ++item) {
        const int64_t i = item % g.kernel_h, pair = item / g.kernel_h;
        const int64_t l = pair % left_blocks, n = pair / left_blocks;
        for (int64_t s = 0; s < steps; s += steps_at_once)
          for (int64_t j = 0; j < g.kernel_w; ++j) {
            const int64_t t = i * g.kernel_w + j;
            const Tap tap{t, rows.phase(i) * extent_w.phases + columns.phase(j), rows.whole(i),
                          columns.whole(j)};
            float* sum = sums.data() + (pair * kernel + t) * 4 * tile;
            const uint16_t* a = left.data() + l * block * left_plane + tap.offset(r) + s * step;
            const uint16_t* b = right.data() + (n * 2 * steps + s) * tile_numbers;
            multiply(
                {.steps = smaller(steps_at_once, steps - s),
                 .left = {.tile = {a, a + side * left_plane},
                          .step_numbers = step,
                          .row_bytes = left_plane * 2},
                 .right = {.tile = {b, b + steps * tile_numbers}, .step_numbers = tile_numbers},
                 .c = {{{sum, sum + tile}, {sum + 2 * tile, sum + 3 * tile}}, side},
                 .add = piece > 0 || s > 0});
          }
      }
    });
  }
  parallel_for(right_blocks * 2, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item)
      for (int64_t c = 0; c < g.channels; ++c) {
        const int64_t pair = item / 2 * left_blocks + c / block, f = item * side;
        if (f >= g.filters) continue;
        transpose_copy(kernel, smaller(side, g.filters - f),
                       sums.data() + pair * kernel * 4 * tile +
                           (c % block / side * 2 + item % 2) * tile + c % side * side,
                       4 * tile, dw + (f * g.channels + c) * kernel, g.channels * kernel);
      }
  });
}

template void bfloat16_backward_weight(Bfloat16Unit, const ConvGeometry&, const float*,
                                       const float*, float*, float*);
template void bfloat16_backward_weight(Bfloat16Unit, const ConvGeometry&, const Bfloat16*,
                                       const Bfloat16*, float*, float*);

}  // namespace hebb::cpu::HEBB_ISA
