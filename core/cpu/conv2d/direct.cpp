#include "core/cpu/conv2d/direct.hpp"

#include "core/cpu/conv2d/overlap_add.hpp"
#include "core/cpu/conv2d/sliding_sums.hpp"
#include "core/cpu/conv2d/weight_sums.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/simd/copy.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using Floats = Vec<float>;

/// Images whose rows have pad_w zeros in front (which end the row before as well) and pad_h rows of
/// zeros above and below. What a weight meets at all output positions is then one stretch of
/// memory: the positions of a row stand `row` apart from those of the next, and what lies between
/// them is computed too and thrown away.
struct PaddedImage {
  int64_t channels, height, width, pad_h, pad_w, row, plane;

  PaddedImage(int64_t c, int64_t h, int64_t w, int64_t ph, int64_t pw)
      : channels(c),
        height(h),
        width(w),
        pad_h(ph),
        pad_w(pw),
        row(w + pw),
        plane((h + 2 * ph) * row + pw) {}

  bool view() const { return pad_h == 0 && pad_w == 0; }
  int64_t size() const { return channels * plane; }

  void clear(float* to) const { std::memset(to, 0, size_t(size()) * sizeof(float)); }

  /// Fills in the image; the zeros are there already.
  void copy(const float* image, float* to) const {
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t y = 0; y < height; ++y)
        copy_row(width, image + (c * height + y) * width,
                 to + c * plane + (pad_h + y) * row + pad_w);
  }
};

/// Where in a padded image each weight [channels, kernel_h, kernel_w] starts.
void fill_offsets(const PaddedImage& image, int64_t kernel_h, int64_t kernel_w, int32_t* offset) {
  for (int64_t c = 0; c < image.channels; ++c)
    for (int64_t ky = 0; ky < kernel_h; ++ky)
      for (int64_t kx = 0; kx < kernel_w; ++kx)
        *offset++ = int32_t(c * image.plane + ky * image.row + kx);
}

/// Visits images [first, last) of x, padded where need be.
template <class Function>
void for_each_padded(const PaddedImage& image, const float* x, int64_t first, int64_t last,
                     Function&& function) {
  Scratch<float> padded(image.view() ? 0 : image.size());
  if (!image.view()) image.clear(padded.data());
  for (int64_t n = first; n < last; ++n) {
    const float* in = x + n * image.channels * image.height * image.width;
    if (!image.view()) image.copy(in, padded.data());
    function(n, image.view() ? in : padded.data());
  }
}

/// y [filters, out_h, out_w] of every image x, with filters in the lanes: rows of the output that
/// fill no vectors.
void correlate_by_filters(int64_t batch, const PaddedImage& image, int64_t filters,
                          int64_t kernel_h, int64_t kernel_w, int64_t out_h, int64_t out_w,
                          const float* x, const float* w, const float* bias, float* y) {
  const int64_t weights = image.channels * kernel_h * kernel_w, positions = out_h * out_w;
  const int64_t blocks = ceil_div(out_w, max_tile_rows);
  Scratch<int32_t> offsets(weights);
  fill_offsets(image, kernel_h, kernel_w, offsets.data());
  Scratch<float> transposed(weights * filters);
  transpose_copy(filters, weights, w, weights, transposed.data(), filters);
  const int64_t grain = ceil_div(conv_piece_work, filters * weights * positions);
  parallel_for(batch, grain, [&](int64_t first, int64_t last) {
    Scratch<float> result(positions * filters);
    for_each_padded(image, x, first, last, [&](int64_t n, const float* in) {
      for (int64_t oy = 0; oy < out_h; ++oy)
        for (int64_t block = 0; block < blocks; ++block) {
          const int64_t ox = out_w * block / blocks;
          gemm_rows(out_w * (block + 1) / blocks - ox, filters, weights,
                    Gathered<float>{in + oy * image.row + ox, 1, offsets.data()},
                    StridedRows<float>{transposed.data(), filters},
                    TileOutput<float>{.c = result.data() + (oy * out_w + ox) * filters,
                                      .stride = filters,
                                      .column_bias = bias});
        }
      transpose_copy(positions, filters, result.data(), filters, y + n * filters * positions,
                     positions);
    });
  });
}

/// y [filters, out_h, out_w] of every image x, with stride 1: a matrix product whose right rows are
/// shifted views of the padded image.
void correlate(int64_t batch, const PaddedImage& image, int64_t filters, int64_t kernel_h,
               int64_t kernel_w, int64_t out_h, int64_t out_w, const float* x, const float* w,
               const float* bias, float* y) {
  constexpr int64_t block_columns = 8 * Floats::lanes;
  const int64_t weights = image.channels * kernel_h * kernel_w;
  const int64_t wide = (out_h - 1) * image.row + out_w;
  if (filters % Floats::lanes == 0 && 4 * wide > 5 * out_h * out_w)
    return correlate_by_filters(batch, image, filters, kernel_h, kernel_w, out_h, out_w, x, w, bias,
                                y);
  const bool whole = out_w % (2 * Floats::lanes) == 0;  // a row of the output is a row of tiles
  // The lines of a tile that lie 4 KiB apart share a set of the first-level cache, often of 8.
  const bool crowded = whole && out_h * out_w % 1024 == 0;
  const int64_t blocks = ceil_div(filters, crowded ? smaller(6, max_tile_rows) : max_tile_rows);
  Scratch<int32_t> offsets(weights);
  fill_offsets(image, kernel_h, kernel_w, offsets.data());
  // Where there are few large images, threads share the filters of each.
  constexpr int64_t most_parts = 8;
  const int64_t work = filters * weights * wide;
  const int64_t parts = larger(
      1, smaller(smaller(blocks, work / (2 * conv_piece_work)), most_parts / larger(1, batch)));
  const auto first_filter = [&](int64_t block) { return filters * block / blocks; };
  parallel_for(
      batch * parts, ceil_div(conv_piece_work * parts, work), [&](int64_t first, int64_t last) {
        Scratch<float> result(whole ? 0 : filters * wide);
        for_each_padded(
            image, x, first / parts, ceil_div(last, parts), [&](int64_t n, const float* in) {
              float* out = y + n * filters * out_h * out_w;
              const int64_t begin = blocks * larger(0, first - n * parts) / parts,
                            end = blocks * smaller(parts, last - n * parts) / parts;
              if (whole) {
                for (int64_t block = begin; block < end; ++block) {
                  const int64_t f = first_filter(block);
                  for (int64_t oy = 0; oy < out_h; ++oy)
                    gemm_rows(first_filter(block + 1) - f, out_w, weights,
                              RowMajor<float>{w + f * weights, weights},
                              OffsetRows<float>{in + oy * image.row, offsets.data()},
                              TileOutput<float>{.c = out + (f * out_h + oy) * out_w,
                                                .stride = out_h * out_w,
                                                .row_bias = bias ? bias + f : nullptr});
                }
                return;
              }
              for (int64_t p = 0; p < wide; p += block_columns)
                for (int64_t block = begin; block < end; ++block) {
                  const int64_t f = first_filter(block);
                  gemm_rows(first_filter(block + 1) - f, smaller(block_columns, wide - p), weights,
                            RowMajor<float>{w + f * weights, weights},
                            OffsetRows<float>{in + p, offsets.data()},
                            TileOutput<float>{.c = result.data() + f * wide + p,
                                              .stride = wide,
                                              .row_bias = bias ? bias + f : nullptr});
                }
              for (int64_t f = first_filter(begin); f < first_filter(end); ++f)
                for (int64_t oy = 0; oy < out_h; ++oy)
                  copy_row(out_w, result.data() + f * wide + oy * image.row,
                           out + (f * out_h + oy) * out_w);
            });
      });
}

constexpr int weight_rows = vector_registers == 32 ? 10 : 8;

/// sum [rows, lanes] += over all output positions, what weight r of the first `rows` meets there
/// times the output's gradients, with filters in the lanes.
template <int rows>
void weight_tile(const float* in, const int32_t* offset, int64_t row, int64_t out_h, int64_t out_w,
                 const float* dy, int64_t stride, float* sum) {
  using V = Vec<float>;
  const float* left[rows];
  V s[rows];
#pragma GCC unroll 10
  for (int r = 0; r < rows; ++r) {
    left[r] = in + offset[r];
    s[r] = load(sum + r * stride);
  }
  for (int64_t oy = 0; oy < out_h; ++oy) {
    for (int64_t ox = 0; ox < out_w; ++ox, dy += stride) {
      const V right = load(dy);
#pragma GCC unroll 10
      for (int r = 0; r < rows; ++r) s[r] += V(left[r][ox]) * right;
    }
#pragma GCC unroll 10
    for (int r = 0; r < rows; ++r) left[r] += row;
  }
#pragma GCC unroll 10
  for (int r = 0; r < rows; ++r) store(sum + r * stride, s[r]);
}

using WeightTile = void (*)(const float*, const int32_t*, int64_t, int64_t, int64_t, const float*,
                            int64_t, float*);
template <int... r>
WeightTile find_weight_tile(int64_t rows, std::integer_sequence<int, r...>) {
  static constexpr WeightTile table[] = {weight_tile<r + 1>...};
  return table[rows - 1];
}

/// The weights' gradients with filters in the lanes.
void weights_by_filters(const ConvGeometry& g, const PaddedImage& image, const int32_t* offsets,
                        int64_t first, int64_t last, const float* x, const float* dy, float* dw) {
  const int64_t weights = g.channels * g.kernel_h * g.kernel_w, positions = g.out_h * g.out_w;
  const int64_t stride = ceil_div(g.filters, Floats::lanes) * Floats::lanes;
  const int64_t blocks = ceil_div(weights, weight_rows);
  Scratch<float> gradients(positions * stride), sums(weights * stride);
  std::memset(gradients.data(), 0, size_t(positions * stride) * sizeof(float));
  std::memset(sums.data(), 0, size_t(weights * stride) * sizeof(float));
  for_each_padded(image, x, first, last, [&](int64_t n, const float* in) {
    transpose_copy(g.filters, positions, dy + n * g.filters * positions, positions,
                   gradients.data(), stride);
    for (int64_t f = 0; f < stride; f += Floats::lanes)
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t r = weights * block / blocks, end = weights * (block + 1) / blocks;
        find_weight_tile(end - r, std::make_integer_sequence<int, weight_rows>())(
            in, offsets + r, image.row, g.out_h, g.out_w, gradients.data() + f, stride,
            sums.data() + r * stride + f);
      }
  });
  transpose_copy(weights, g.filters, sums.data(), stride, dw, weights);
}

/// Whether the output's rows fill vectors, and are long enough for their sums to stay apart.
bool whole_rows(const ConvGeometry& g) {
  return g.out_w % Floats::lanes == 0 && g.out_h * g.out_w >= 16 * Floats::lanes;
}

constexpr int dot_filters = 6, dot_weights = max_accumulators / dot_filters;

/// Rows of output positions: where they stand in the padded image, and in the gradients of a
/// filter.
struct PositionRows {
  int64_t rows, length, image_step, step, filter_step;
};

/// sum[r * stride + f] += dy[f, p] * in[offset[r] + p], with positions p in the lanes.
template <int filters, int columns>
void dot_tile(const float* in, const int32_t* offset, const PositionRows& of, const float* dy,
              Vec<float>* sum, int64_t stride) {
  using V = Vec<float>;
  V s[filters][columns];
#pragma GCC unroll 6
  for (int f = 0; f < filters; ++f)
#pragma GCC unroll 4
    for (int r = 0; r < columns; ++r) s[f][r] = sum[r * stride + f];
  const auto step = [&](int64_t p, auto read) {
    V left[columns];
#pragma GCC unroll 4
    for (int r = 0; r < columns; ++r) left[r] = read(in + offset[r] + p);
#pragma GCC unroll 6
    for (int f = 0; f < filters; ++f) {
      const V right = read(dy + f * of.filter_step + p);
#pragma GCC unroll 4
      for (int r = 0; r < columns; ++r) s[f][r] += left[r] * right;
    }
  };
  for (int64_t row = 0; row < of.rows; ++row, in += of.image_step, dy += of.step) {
    int64_t p = 0;
    for (; p + Floats::lanes <= of.length; p += Floats::lanes)
      step(p, [](const float* x) { return load(x); });
    if (p < of.length) step(p, [left = of.length - p](const float* x) { return load(x, left); });
  }
#pragma GCC unroll 6
  for (int f = 0; f < filters; ++f)
#pragma GCC unroll 4
    for (int r = 0; r < columns; ++r) sum[r * stride + f] = s[f][r];
}

using DotTile = void (*)(const float*, const int32_t*, const PositionRows&, const float*,
                         Vec<float>*, int64_t);
template <int... i>
DotTile find_dot_tile(int64_t filters, int64_t columns, std::integer_sequence<int, i...>) {
  static constexpr DotTile table[] = {dot_tile<i / dot_weights + 1, i % dot_weights + 1>...};
  return table[(filters - 1) * dot_weights + columns - 1];
}

/// The weights' gradients with output positions in the lanes.
void weights_by_positions(const ConvGeometry& g, const PaddedImage& image, const int32_t* offsets,
                          int64_t first, int64_t last, const float* x, const float* dy, float* dw) {
  const int64_t weights = g.channels * g.kernel_h * g.kernel_w;
  const int64_t positions = g.out_h * g.out_w, wide = (g.out_h - 1) * image.row + g.out_w;
  const bool view = whole_rows(g);
  const PositionRows rows = view ? PositionRows{g.out_h, g.out_w, image.row, g.out_w, positions}
                                 : PositionRows{1, wide, 0, 0, wide};
  const int64_t filter_blocks = ceil_div(g.filters, dot_filters);
  Scratch<float> gradients(view ? 0 : g.filters * wide);
  Scratch<Vec<float>> sums(weights * g.filters);
  if (!view) std::memset(gradients.data(), 0, size_t(g.filters * wide) * sizeof(float));
  for (int64_t i = 0; i < weights * g.filters; ++i) sums[i] = 0.0f;
  for_each_padded(image, x, first, last, [&](int64_t n, const float* in) {
    const float* from = dy + n * g.filters * positions;
    for (int64_t f = 0; f < g.filters && !view; ++f)
      for (int64_t oy = 0; oy < g.out_h; ++oy)
        copy_row(g.out_w, from + f * positions + oy * g.out_w,
                 gradients.data() + f * wide + oy * image.row);
    if (!view) from = gradients.data();
    for (int64_t i = 0; i < filter_blocks; ++i) {
      const int64_t f = g.filters * i / filter_blocks,
                    filters = g.filters * (i + 1) / filter_blocks - f;
      for (int64_t r = 0; r < weights; r += dot_weights) {
        const int64_t count = smaller(dot_weights, weights - r);
        find_dot_tile(filters, count, std::make_integer_sequence<int, dot_filters * dot_weights>())(
            in, offsets + r, rows, from + f * rows.filter_step, sums.data() + r * g.filters + f,
            g.filters);
      }
    }
  });
  for (int64_t f = 0; f < g.filters; ++f)
    for (int64_t r = 0; r < weights; ++r) dw[f * weights + r] = sum(sums[r * g.filters + f]);
}

/// The convolution of the output's gradients that gives those of the input.
ConvGeometry transpose_of(const ConvGeometry& g) {
  return {.batch = g.batch,
          .channels = g.filters,
          .height = g.out_h,
          .width = g.out_w,
          .filters = g.channels,
          .kernel_h = g.kernel_h,
          .kernel_w = g.kernel_w,
          .pad_h = g.kernel_h - 1 - g.pad_h,
          .pad_w = g.kernel_w - 1 - g.pad_w,
          .out_h = g.height,
          .out_w = g.width};
}

}  // namespace

bool direct_applies(const ConvGeometry& g) {
  return g.stride_h == 1 && g.stride_w == 1 && g.dilation_h == 1 && g.dilation_w == 1 &&
         g.pad_h < g.kernel_h && g.pad_w < g.kernel_w && g.kernel_h <= 7 && g.kernel_w <= 7 &&
         larger(g.channels, g.filters) * (g.height + 2 * g.kernel_h) * (g.width + 2 * g.kernel_w) <
             (int64_t(1) << 31);
}

void direct_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                    float* y) {
  if (sliding_sums_pay(g)) return sliding_sums_forward(g, x, w, bias, y);
  const PaddedImage image(g.channels, g.height, g.width, g.pad_h, g.pad_w);
  correlate(g.batch, image, g.filters, g.kernel_h, g.kernel_w, g.out_h, g.out_w, x, w, bias, y);
}

void direct_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx) {
  if (overlap_add_pays(g)) return overlap_add_backward_input(g, dy, w, dx);
  const int64_t kernel = g.kernel_h * g.kernel_w;
  const PaddedImage image(g.filters, g.out_h, g.out_w, g.kernel_h - 1 - g.pad_h,
                          g.kernel_w - 1 - g.pad_w);
  Scratch<float> flipped(g.channels * g.filters * kernel);
  for (int64_t c = 0; c < g.channels; ++c)
    for (int64_t f = 0; f < g.filters; ++f)
      for (int64_t i = 0; i < kernel; ++i)
        flipped[(c * g.filters + f) * kernel + i] = w[(f * g.channels + c + 1) * kernel - 1 - i];
  const ConvGeometry transposed = transpose_of(g);
  if (sliding_sums_pay(transposed))
    return sliding_sums_forward(transposed, dy, flipped.data(), nullptr, dx);
  correlate(g.batch, image, g.channels, g.kernel_h, g.kernel_w, g.height, g.width, dy,
            flipped.data(), nullptr, dx);
}

void direct_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                            float* db) {
  const PaddedImage image(g.channels, g.height, g.width, g.pad_h, g.pad_w);
  Scratch<int32_t> offsets(g.channels * g.kernel_h * g.kernel_w);
  fill_offsets(image, g.kernel_h, g.kernel_w, offsets.data());
  constexpr int64_t most_sums = 4096;
  const bool by_positions =
      4 * g.filters <= 3 * Floats::lanes ||
      (whole_rows(g) && g.filters * g.channels * g.kernel_h * g.kernel_w <= most_sums);
  accumulate_weights(g, g.channels, 1, dy, dw, db,
                     [&](int64_t first, int64_t last, int64_t, int64_t, float* sum) {
                       const auto run = by_positions ? weights_by_positions : weights_by_filters;
                       run(g, image, offsets.data(), first, last, x, dy, sum);
                     });
}

}  // namespace hebb::cpu::HEBB_ISA
