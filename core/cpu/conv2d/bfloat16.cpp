#include "core/cpu/conv2d/bfloat16.hpp"

#include <cstring>

#include "core/cpu/conv2d/correlations.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace bfloat16 {
namespace {

/// Weights [filters, depth], each with kernel numbers side by side.
struct Weights {
  const float* data;
  int64_t filters, depth, filter_step, depth_step, kernel;

  int64_t steps() const { return ceil_div(depth, step); }
  int64_t blocks() const { return ceil_div(filters, block); }
};

/// to [blocks of 32 filters, steps, taps, 2 tiles of a right factor] for each pass.
void lay_out(const Weights& w, const Pass* passes, int64_t count, const Tap* taps, uint16_t* to) {
  parallel_for(w.blocks(), 1, [&](int64_t begin, int64_t end) {
    Scratch<float> rows(w.kernel * step);
    clear(rows.data(), w.kernel * step);
    for (int64_t item = begin; item < end; ++item)
      for (int64_t s = 0; s < w.steps(); ++s) {
        const int64_t depth = smaller(step, w.depth - s * step);
        if (depth < step) clear(rows.data(), w.kernel * step);
        for (int64_t r = 0; r < block; ++r) {
          const int64_t filter = item * block + r;
          if (filter < w.filters)
            transpose_copy(depth, w.kernel,
                           w.data + filter * w.filter_step + s * step * w.depth_step, w.depth_step,
                           rows.data(), step);
          else
            clear(rows.data(), w.kernel * step);
          uint16_t* from_pass = to;
          for (const Pass* pass = passes; pass < passes + count; ++pass) {
            uint16_t* tile =
                from_pass + (item * w.steps() + s) * pass->taps * 2 * tile_numbers + r * step;
            for (int64_t t = 0; t < pass->taps; ++t, tile += 2 * tile_numbers) {
              const float* numbers = rows.data() + taps[pass->first_tap + t].number * step;
              _mm512_store_si512(tile, round(load(numbers), load(numbers + side)));
              if (r % side == side - 1) transpose_tile(tile - (side - 1) * step);
            }
            from_pass += w.blocks() * w.steps() * pass->taps * 2 * tile_numbers;
          }
        }
      }
  });
}

/// Consecutive outputs of a tile that stand in one row of an image: those lanes of `mask`, of which
/// lane 0 would stand at `out`.
struct Run {
  __mmask16 mask;
  int64_t out;
};
/// 16 positions of a raster, and where the outputs among them go.
struct Positions {
  int64_t first;
  int64_t first_run, runs;
};

/// How the outputs lie.
struct Target {
  int64_t channels, plane, row, step_h, step_w;
};

/// The outputs of a pass as tiles: rows of whole ones, or the raster's positions one after the
/// other with what lies between images.
class Outputs {
 public:
  Outputs(const Raster& r, const Pass& pass, int64_t rows, int64_t first_row, const Target& to)
      : positions_(most(r, pass, rows)),
        runs_(most(r, pass, rows) + rows * r.images * (ceil_div(pass.columns, side) + 1)) {
    const auto out = [&](int64_t image, int64_t row, int64_t column) {
      return image * to.channels * to.plane + pass.first + (first_row + row) * to.step_h * to.row +
             column * to.step_w;
    };
    int64_t runs = 0;
    if (pass.columns % side == 0) {
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t image = 0; image < r.images; ++image)
          for (int64_t c = 0; c < pass.columns; c += side) {
            runs_[runs] = {0xffff, out(image, row, c)};
            positions_[count_++] = {row * r.row() + image * r.columns + c, runs++, 1};
          }
      return;
    }
    int64_t row = 0, image = 0, column = 0;
    for (int64_t p = 0; p < rows * r.row(); p += side) {
      Positions& tile = positions_[count_++] = {p, runs, 0};
      for (int64_t lane = 0; lane < side && row < rows;) {
        const int64_t length = smaller(side - lane, r.columns - column);
        const int64_t used = smaller(length, pass.columns - column);
        if (used > 0) {
          runs_[runs++] = {__mmask16(((1u << used) - 1) << lane),
                           out(image, row, column) - lane * to.step_w};
          ++tile.runs;
        }
        lane += length, column += length;
        if (column == r.columns) column = 0, ++image;
        if (image == r.images) image = 0, ++row;
      }
    }
  }

  int64_t count() const { return count_; }
  const Positions& operator[](int64_t i) const { return positions_[i]; }
  const Run* runs(int64_t tile) const { return runs_.data() + positions_[tile].first_run; }

 private:
  static int64_t most(const Raster& r, const Pass& pass, int64_t rows) {
    return larger(ceil_div(rows * r.row(), side), rows * r.images * ceil_div(pass.columns, side));
  }

  int64_t count_ = 0;
  Scratch<Positions> positions_;
  Scratch<Run> runs_;
};

void write_lanes(float* out, __mmask16 mask, Vec<float> values) {
  _mm512_mask_storeu_ps(out, mask, values.v);
}
void write_lanes(Bfloat16* out, __mmask16 mask, Vec<float> values) {
  _mm256_mask_storeu_epi16(out, mask, reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values.v)));
}

/// Every second element from `out` on, where the mask has lanes.
void write_seconds(float* out, __mmask16 mask, Vec<float> values) {
  const uint32_t lanes = _pdep_u32(mask, 0x55555555);
  Vec<float> low, high;
  join_pairs(values, values, low, high);
  _mm512_mask_storeu_ps(out, __mmask16(lanes), low.v);
  _mm512_mask_storeu_ps(out + side, __mmask16(lanes >> side), high.v);
}
void write_seconds(Bfloat16* out, __mmask16 mask, Vec<float> values) {
  const __m256i numbers = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values.v));
  _mm512_mask_storeu_epi16(out, _pdep_u32(mask, 0x55555555), _mm512_cvtepu16_epi32(numbers));
}

/// Every stride-th one.
void write_strided(float* out, __mmask16 mask, Vec<float> values, int64_t stride) {
  const __m512i lanes =
      _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32(int(stride)));
  _mm512_mask_i32scatter_ps(out, mask, lanes, values.v, 4);
}
void write_strided(Bfloat16* out, __mmask16 mask, Vec<float> values, int64_t stride) {
  Bfloat16 lane[side];
  store(lane, values);
  for (int64_t i = 0; i < side; ++i)
    if (mask >> i & 1) out[i * stride] = lane[i];
}

/// Sums [16 positions, filters] go to their outputs.
template <class E>
void write(int64_t filters, const float* sums, const Run* runs, int64_t count, const Target& to,
           E* out) {
  Vec<float> tile[side];
#pragma GCC unroll 16
  for (int64_t p = 0; p < side; ++p) tile[p] = load(sums + p * block);
  transpose(tile);
  for (int64_t f = 0; f < smaller(side, filters); ++f, out += to.plane)
    for (int64_t r = 0; r < count; ++r)
      if (to.step_w == 1)
        write_lanes(out + runs[r].out, runs[r].mask, tile[f]);
      else if (to.step_w == 2)
        write_seconds(out + runs[r].out, runs[r].mask, tile[f]);
      else
        write_strided(out + runs[r].out, runs[r].mask, tile[f], to.step_w);
}

/// What is the same for all pieces of a convolution that is no weights' gradient.
struct Correlation {
  int64_t channels, height, width;  // of what becomes rasters
  Extent h, w;
  Weights weights;
  const Pass* passes;
  int64_t pass_count;
  const Tap* taps;
  Target target;
};

/// A pass of a piece: the outputs of the filters of one block.
template <class E>
void multiply(const Multiplier& multiply_block, const Correlation& c, const Pass& pass,
              const Outputs& tiles, const uint16_t* raster, const int64_t* offsets,
              const uint16_t* weights, const float* bias, int64_t first_filter, E* out) {
  const int64_t filters = smaller(block, c.weights.filters - first_filter);
  alignas(64) float sums[block * block];
  for (int64_t i = 0; i < tiles.count(); i += 2) {
    const int64_t last = smaller(i + 1, tiles.count() - 1);
    // The outputs' lines are on their way into the cache while the products are summed.
    for (int64_t t = i; t <= last; ++t)
      for (int64_t n = 0; n < tiles[t].runs; ++n) {
        const Run& run = tiles.runs(t)[n];
        const E* first = out + run.out + __builtin_ctz(run.mask) * c.target.step_w;
        for (int64_t f = 0; f < filters; ++f) {
          __builtin_prefetch(first + f * c.target.plane, 1);
          if (c.target.step_w > 1) __builtin_prefetch(first + f * c.target.plane + side, 1);
        }
      }
    multiply_block(
        {.steps = c.weights.steps() * pass.taps,
         .left = {.tile = {raster + tiles[i].first * step, raster + tiles[last].first * step},
                  .offsets = offsets},
         .right = {.tile = {weights, weights + tile_numbers}, .step_numbers = 2 * tile_numbers},
         .c = Corner::of(sums, block),
         .row = bias});
    for (int64_t t = i; t <= last; ++t)
      for (int64_t f = 0; f < filters; f += side)
        write(filters - f, sums + (t - i) * side * block + f, tiles.runs(t), tiles[t].runs,
              c.target, out + f * c.target.plane);
  }
}

/// to [steps, lines, 32 channels] = the images' rasters: a line of each position.
template <class E>
void lay_out(const Raster& r, int64_t channels, const E* x, int64_t lines, uint16_t* to) {
  const int64_t plane = r.plane(4), size = r.height * r.width;
  parallel_for(ceil_div(channels, step), 1, [&](int64_t begin, int64_t end) {
    Scratch<uint32_t> pairs(side * plane);
    for (int64_t s = begin; s < end; ++s) {
      for (int64_t p = 0; p < side; ++p) {
        const int64_t channel = s * step + 2 * p;
        const E* from = x + channel * size;
        if (channel < channels)
          fill_plane<Pairs>(r, from, channel + 1 < channels ? from + size : nullptr,
                            channels * size, pairs.data() + p * plane);
        else
          clear(pairs.data() + p * plane, plane);
      }
      for (int64_t i = 0; i < lines; i += side) {
        __m512i words[side];
#pragma GCC unroll 16
        for (int64_t p = 0; p < side; ++p)
          words[p] = _mm512_loadu_si512(pairs.data() + p * plane + i);
        transpose_words(words, to + (s * lines + i) * step);
      }
    }
  });
}

template <class E>
void correlate(Bfloat16Unit unit, const Correlation& c, int64_t batch, const E* x,
               const float* bias, E* to) {
  int64_t all_taps = 0, output_rows = 0;
  for (int64_t i = 0; i < c.pass_count; ++i) {
    all_taps += c.passes[i].taps;
    output_rows = larger(output_rows, c.passes[i].rows);
  }
  const Weights& w = c.weights;
  const int64_t numbers = w.blocks() * w.steps() * 2 * tile_numbers;  // of a tap
  Scratch<uint16_t> weights(numbers * all_taps);
  lay_out(w, c.passes, c.pass_count, c.taps, weights.data());
  Scratch<float> biases(bias ? w.blocks() * block : 0);
  if (bias)
    for (int64_t f = 0; f < w.blocks() * block; ++f) biases[f] = f < w.filters ? bias[f] : 0.0f;

  constexpr int64_t least = int64_t(1) << 18, most = int64_t(1) << 19;  // bytes
  const int64_t image =
      w.steps() * 64 * c.h.phases * c.w.phases * (output_rows + c.h.most_shift) * c.w.count;
  const bfloat16::Cut cut(batch, output_rows, c.h.most_shift, image,
                          larger(least, smaller(most, numbers * all_taps * 2)));
  parallel_for(cut.pieces, 1, [&](int64_t begin, int64_t end) {
    for (int64_t piece = begin; piece < end; ++piece) {
      const Raster r = cut.raster(piece, c.h, c.w, c.height, c.width);
      const int64_t first_row = cut.first_row(piece), first_image = cut.first_image(piece);
      const int64_t lines = ceil_div(r.phases() * r.phase() + r.columns + side, side) * side;
      Scratch<uint16_t> raster(w.steps() * lines * step);
      lay_out(r, c.channels, x + first_image * c.channels * c.height * c.width, lines,
              raster.data());
      const uint16_t* of_pass = weights.data();
      for (int64_t i = 0; i < c.pass_count; ++i) {
        const Pass& pass = c.passes[i];
        const int64_t rows = larger(0, smaller(pass.rows, cut.last_row(piece)) - first_row);
        const Outputs tiles(r, pass, rows, first_row, c.target);
        Scratch<int64_t> offsets(w.steps() * pass.taps);
        for (int64_t s = 0; s < w.steps(); ++s)
          for (int64_t t = 0; t < pass.taps; ++t)
            offsets[s * pass.taps + t] = (s * lines + c.taps[pass.first_tap + t].offset(r)) * step;
        E* out = to + first_image * c.target.channels * c.target.plane;
        parallel_for(w.blocks(), 1, [&](int64_t first, int64_t last) {
          const Multiplier multiply_block(unit);
          for (int64_t f = first; f < last; ++f)
            multiply(multiply_block, c, pass, tiles, raster.data(), offsets.data(),
                     of_pass + f * w.steps() * pass.taps * 2 * tile_numbers,
                     bias ? biases.data() + f * block : nullptr, f * block,
                     out + f * block * c.target.plane);
        });
        of_pass += numbers * pass.taps;
      }
    }
  });
}

}  // namespace
}  // namespace bfloat16

using namespace bfloat16;

bool bfloat16_pays(Bfloat16Unit unit, ConvDirection direction, ConvPath other,
                   const ConvGeometry& g) {
  if (smaller(g.channels, g.filters) < 16) return false;
  if (unit == Bfloat16Unit::tiles) return true;
  const bool winograd = other == ConvPath::winograd2 || other == ConvPath::winograd4;
  if (winograd && g.stride_h == 1) return false;
  return other != ConvPath::pointwise || direction != ConvDirection::backward_input;
}

template <class E>
void bfloat16_forward(Bfloat16Unit unit, const ConvGeometry& g, const E* x, const float* w,
                      const float* bias, E* y) {
  const Axis rows = Axis::of_rows(g), columns = Axis::of_columns(g);
  const Extent extent_h = forward_extent(rows), extent_w = forward_extent(columns);
  const int64_t kernel = g.kernel_h * g.kernel_w;
  const Pass pass{g.out_h, g.out_w, 0, 0, kernel};
  Scratch<Tap> taps(kernel);
  for (int64_t t = 0; t < kernel; ++t) {
    const int64_t i = t / g.kernel_w, j = t % g.kernel_w;
    taps[t] = {t, rows.phase(i) * extent_w.phases + columns.phase(j), rows.whole(i),
               columns.whole(j)};
  }
  correlate(unit,
            {.channels = g.channels,
             .height = g.height,
             .width = g.width,
             .h = extent_h,
             .w = extent_w,
             .weights = {w, g.filters, g.channels, g.channels * kernel, kernel, kernel},
             .passes = &pass,
             .pass_count = 1,
             .taps = taps.data(),
             .target = {g.filters, g.out_h * g.out_w, g.out_w, 1, 1}},
            g.batch, x, bias, y);
}

template <class E>
void bfloat16_backward_input(Bfloat16Unit unit, const ConvGeometry& g, const E* dy, const float* w,
                             E* dx) {
  const Axis rows = Axis::of_rows(g), columns = Axis::of_columns(g);
  const int64_t kernel = g.kernel_h * g.kernel_w;
  const Extent extent_h = backward_extent(rows), extent_w = backward_extent(columns);
  Scratch<Pass> passes(g.stride_h * g.stride_w);
  Scratch<Tap> taps(kernel);
  int64_t pass_count = 0, tap = 0;
  for (int64_t a = 0; a < g.stride_h; ++a)
    for (int64_t b = 0; b < g.stride_w; ++b) {
      const Phase row(rows, a), column(columns, b);
      Pass& pass = passes[pass_count++] = {row.count, column.count,
                                           row.first * g.width + column.first, tap, 0};
      for (int64_t t = 0; t < kernel; ++t) {
        const int64_t i = t / g.kernel_w, j = t % g.kernel_w;
        if (rows.phase(i) != a || columns.phase(j) != b) continue;
        taps[tap++] = {t, 0, extent_h.lead + row.base - rows.whole(i),
                       extent_w.lead + column.base - columns.whole(j)};
        ++pass.taps;
      }
    }
  correlate(unit,
            {.channels = g.filters,
             .height = g.out_h,
             .width = g.out_w,
             .h = extent_h,
             .w = extent_w,
             .weights = {w, g.channels, g.filters, kernel, g.channels * kernel, kernel},
             .passes = passes.data(),
             .pass_count = pass_count,
             .taps = taps.data(),
             .target = {g.channels, g.height * g.width, g.width, g.stride_h, g.stride_w}},
            g.batch, dy, nullptr, dx);
}

template void bfloat16_forward(Bfloat16Unit, const ConvGeometry&, const float*, const float*,
                               const float*, float*);
template void bfloat16_backward_input(Bfloat16Unit, const ConvGeometry&, const float*, const float*,
                                      float*);
template void bfloat16_forward(Bfloat16Unit, const ConvGeometry&, const Bfloat16*, const float*,
                               const float*, Bfloat16*);
template void bfloat16_backward_input(Bfloat16Unit, const ConvGeometry&, const Bfloat16*,
                                      const float*, Bfloat16*);

}  // namespace hebb::cpu::HEBB_ISA
