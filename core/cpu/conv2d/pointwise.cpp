#include "core/cpu/conv2d/pointwise.hpp"

#include <cstring>

#include "core/cpu/conv2d/panels.hpp"
#include "core/cpu/conv2d/weight_sums.hpp"
#include "core/cpu/simd/copy.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

constexpr int64_t lanes = Vec<float>::lanes;

/// The output's positions as they stand in a tensor [batch, channels, plane]: in each image, rows
/// row_step apart, and in these `columns` of them `step` apart.
struct Grid {
  int64_t channels, plane, width, rows, columns, row_step, step;

  int64_t positions() const { return rows * columns; }

  static Grid dense(int64_t channels, int64_t plane) {
    return {channels, plane, plane, 1, plane, plane, 1};
  }
  static Grid input(const ConvGeometry& g) {
    if (g.stride_h == 1 && g.stride_w == 1) return dense(g.channels, g.height * g.width);
    return {g.channels, g.height * g.width,   g.width,   g.out_h,
            g.out_w,    g.stride_h * g.width, g.stride_w};
  }
  static Grid output(const ConvGeometry& g) { return dense(g.filters, g.out_h * g.out_w); }
};

/// Neighbouring positions of one row.
struct Run {
  int64_t column, length;  ///< where they stand in the matrix
  int64_t offset;          ///< of the first in the tensor, for channel 0
  int64_t width, gap;      ///< elements up to the next position, those of other rows apart
};

/// The runs of the positions [first, last) of a batch, none of which crosses panels.
int64_t find_runs(const Grid& grid, int64_t first, int64_t last, Run* runs) {
  int64_t count = 0;
  for (int64_t q = first; q < last; q += runs[count++].length) {
    const int64_t image = q / grid.positions(), p = q % grid.positions();
    const int64_t row = p / grid.columns, column = p % grid.columns;
    const int64_t length =
        smaller(smaller(grid.columns - column, last - q), panel - (q - first) % panel);
    const bool ends = column + length == grid.columns;
    const int64_t next = row + 1 < grid.rows ? (row + 1) * grid.row_step : grid.plane;
    runs[count] = {q - first, length,
                   image * grid.channels * grid.plane + row * grid.row_step + column * grid.step,
                   ends ? grid.width - column * grid.step : length * grid.step,
                   ends ? next - row * grid.row_step - grid.width : 0};
  }
  return count;
}

/// Asks for memory that is about to be read, or written. Planes of channels lie apart, so that the
/// processor does not foresee where a pass over channels goes on.
template <int write>
void prefetch_row(const float* from, int64_t length) {
  constexpr int64_t line = 16;
  for (int64_t i = 0; i < length; i += line) __builtin_prefetch(from + i, write);
}

/// to[i] = from[i * step].
void gather_row(int64_t n, int64_t step, const float* from, float* to) {
  if (step == 1) return copy_row(n, from, to);
  int64_t i = 0;
  if (step == 2)
    for (; i + lanes <= n; i += lanes) {
      Vec<float> even, odd;  // what follows the last element may not be there
      split_pairs(load(from + 2 * i), load(from + 2 * i + lanes, lanes - 1), even, odd);
      store(to + i, even);
    }
  for (; i < n; ++i) to[i] = from[i * step];
}

/// to[i * step] = from[i], and zeros elsewhere in [0, width).
void scatter_row(int64_t n, int64_t step, int64_t width, const float* from, float* to) {
  if (step == 1) return copy_row(n, from, to);
  int64_t i = 0;
  if (step == 2)
    for (; i + lanes <= n && 2 * (i + lanes) <= width; i += lanes) {
      Vec<float> a, b;
      join_pairs(load(from + i), Vec<float>(0.0f), a, b);
      store(to + 2 * i, a);
      store(to + 2 * i + lanes, b);
    }
  for (int64_t j = i * step; j < width; ++j) to[j] = 0;
  for (; i < n; ++i) to[i * step] = from[i];
}

/// Columns of a matrix in panels [channels, panel].
float* element(float* matrix, int64_t channels, int64_t channel, int64_t column) {
  return matrix + (column / panel * channels + channel) * panel + column % panel;
}

/// Columns of a matrix from rows that are much shorter than a vector: element by element, but
/// without a loop for each row.
void gather_short_rows(const Grid& grid, const float* x, const Run* runs, int64_t count,
                       int64_t columns, float* matrix) {
  Scratch<int64_t> offsets(columns);
  for (int64_t r = 0; r < count; ++r)
    for (int64_t i = 0; i < runs[r].length; ++i)
      offsets[runs[r].column + i] = runs[r].offset + i * grid.step;
  for (int64_t c = 0; c < grid.channels; ++c, x += grid.plane)
    for (int64_t first = 0; first < columns; first += panel) {
      float* to = element(matrix, grid.channels, c, first);
      const int64_t* from = offsets.data() + first;
      for (int64_t i = 0; i < smaller(panel, columns - first); ++i) to[i] = x[from[i]];
    }
}

void gather(const Grid& grid, const float* x, int64_t first, int64_t last, float* matrix) {
  Scratch<Run> runs(last - first);
  const int64_t count = find_runs(grid, first, last, runs.data());
  if (grid.step > 1 && 4 * grid.columns <= lanes)
    return gather_short_rows(grid, x, runs.data(), count, last - first, matrix);
  for (int64_t c = 0; c < grid.channels; ++c)
    for (int64_t r = 0; r < count; ++r) {
      const float* from = x + runs[r].offset + c * grid.plane;
      prefetch_row<0>(from + grid.plane, runs[r].length * grid.step);
      gather_row(runs[r].length, grid.step, from,
                 element(matrix, grid.channels, c, runs[r].column));
    }
}

void scatter(const Grid& grid, float* matrix, int64_t first, int64_t last, float* y) {
  Scratch<Run> runs(last - first);
  const int64_t count = find_runs(grid, first, last, runs.data());
  for (int64_t c = 0; c < grid.channels; ++c)
    for (int64_t r = 0; r < count; ++r) {
      float* to = y + runs[r].offset + c * grid.plane;
      prefetch_row<1>(to + grid.plane, runs[r].width + runs[r].gap);
      scatter_row(runs[r].length, grid.step, runs[r].width,
                  element(matrix, grid.channels, c, runs[r].column), to);
      if (runs[r].gap) std::memset(to + runs[r].width, 0, size_t(runs[r].gap) * sizeof(float));
    }
}

/// The product of a panel, which stays in the cache for all rows.
void multiply_panel(const Product<float>& p) {
  const int64_t blocks = ceil_div(p.m, max_tile_rows), depths = ceil_div(p.k, most_depth);
  for (int64_t d = 0; d < depths; ++d)
    for (int64_t block = 0; block < blocks; ++block) multiply_part(p, block, blocks, d, depths);
}

/// y at the positions of `out` = w [out.channels, in.channels] x at those of `in`, plus bias.
void multiply(int64_t batch, const Grid& in, const Grid& out, const float* x, const float* w,
              const float* bias, float* y) {
  const int64_t total = batch * in.positions();
  // Panels lie within an image, so that the product's rows stand in y.
  const bool direct = out.plane == in.positions() && out.plane % panel == 0;
  const int64_t least = ceil_div(conv_piece_work, in.channels * out.channels);
  const int64_t most = larger(second_level / (in.channels + out.channels), 1);
  const int64_t chunk = ceil_div(smaller(larger(least, total / 16), most), panel) * panel;
  parallel_for(ceil_div(total, chunk), 1, [&](int64_t begin, int64_t end) {
    Scratch<float> columns(in.channels * chunk), results(direct ? 0 : out.channels * chunk);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item * chunk, last = smaller(total, first + chunk);
      gather(in, x, first, last, columns.data());
      for (int64_t q = first; q < last; q += panel) {
        float* c = direct ? y + q / out.plane * out.channels * out.plane + q % out.plane
                          : element(results.data(), out.channels, 0, q - first);
        multiply_panel({.m = out.channels,
                        .n = smaller(panel, last - q),
                        .k = in.channels,
                        .a = {w, in.channels},
                        .b = {element(columns.data(), in.channels, 0, q - first), panel},
                        .c = c,
                        .c_stride = direct ? out.plane : panel,
                        .row_bias = bias});
      }
      if (!direct) scatter(out, results.data(), first, last, y);
    }
  });
}

/// to [last - first, panel] = the positions, with the channels [channel, channel + channels) in the
/// lanes.
void gather_transposed(const Grid& grid, const float* x, int64_t channel, int64_t channels,
                       int64_t first, int64_t last, float* to) {
  Scratch<Run> runs(last - first);
  Scratch<float> rows(panel * panel);
  const int64_t count = find_runs(grid, first, last, runs.data());
  for (int64_t r = 0; r < count; ++r) {
    const int64_t length = runs[r].length;
    const float* from = x + runs[r].offset + channel * grid.plane;
    const bool view = grid.step == 1;
    if (r + 1 < count)
      for (int64_t c = 0; c < channels; ++c)
        prefetch_row<0>(x + runs[r + 1].offset + (channel + c) * grid.plane,
                        runs[r + 1].length * grid.step);
    if (!view)
      for (int64_t c = 0; c < channels; ++c)
        gather_row(length, grid.step, from + c * grid.plane, rows.data() + c * panel);
    transpose_copy(channels, length, view ? from : rows.data(), view ? grid.plane : panel,
                   to + runs[r].column * panel, panel);
  }
}

}  // namespace

bool pointwise_applies(const ConvGeometry& g) {
  return g.kernel_h == 1 && g.kernel_w == 1 && g.pad_h == 0 && g.pad_w == 0;
}

void pointwise_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                       float* y) {
  multiply(g.batch, Grid::input(g), Grid::output(g), x, w, bias, y);
}

void pointwise_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx) {
  Scratch<float> transposed(g.channels * g.filters);
  transpose_copy(g.filters, g.channels, w, g.channels, transposed.data(), g.filters);
  multiply(g.batch, Grid::output(g), Grid::input(g), dy, transposed.data(), nullptr, dx);
}

/// Threads share the sums: each block of them belongs to one, which goes over all positions. The
/// output's gradients are read where they are. The inputs are made panels of channels, chunk by
/// chunk, of which the next is gathered while one is multiplied.
void pointwise_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                               float* db) {
  const Grid in = Grid::input(g), out = Grid::output(g);
  const int64_t total = g.batch * out.plane;
  const int64_t panels = ceil_div(g.channels, panel), blocks = ceil_div(g.filters, max_tile_rows);
  const int64_t chunk =
      smaller(total, ceil_div(second_level, panels * panel * most_depth) * most_depth);
  const int64_t chunks = chunk ? ceil_div(total, chunk) : 0;
  const int64_t parts = ceil_div(chunk, most_depth);
  Scratch<float> columns(2 * panels * panel * chunk);
  Scratch<int32_t> offsets(2 * chunk);
  if (total == 0) std::memset(dw, 0, size_t(g.filters * g.channels) * sizeof(float));

  const auto place = [&](int64_t k, int64_t channel) {
    return columns.data() + (k % 2 * panels * panel + channel) * chunk;
  };
  const auto gather_part = [&](int64_t k, int64_t number, int64_t part) {
    const int64_t first = k * chunk + part * most_depth, channel = number * panel;
    const int64_t last = smaller(smaller(total, (k + 1) * chunk), first + most_depth);
    if (first < last)
      gather_transposed(in, x, channel, smaller(panel, g.channels - channel), first, last,
                        place(k, channel) + part * most_depth * panel);
  };
  const auto find_offsets = [&](int64_t k) {
    const int64_t image = k * chunk / out.plane;
    for (int64_t q = k * chunk; q < smaller(total, (k + 1) * chunk); ++q)
      offsets[k % 2 * chunk + q % chunk] =
          int32_t((q / out.plane - image) * g.filters * out.plane + q % out.plane);
  };
  // Of few blocks, threads share the channels as well.
  const int64_t shares = smaller(panels, ceil_div(8, blocks));
  const auto multiply_block = [&](int64_t k, int64_t block, int64_t share) {
    const int64_t f = g.filters * block / blocks, rows = g.filters * (block + 1) / blocks - f;
    const int64_t positions = smaller(chunk, total - k * chunk);
    const float* of_filters = dy + (k * chunk / out.plane * g.filters + f) * out.plane;
    const int32_t* offset = offsets.data() + k % 2 * chunk;
    for (int64_t p = 0; p < positions; p += most_depth) {
      // The next part is on its way into the cache while this one is summed.
      for (int64_t q = p + most_depth; q < smaller(p + 2 * most_depth, positions); q += lanes)
        for (int64_t r = 0; r < rows; ++r)
          __builtin_prefetch(of_filters + r * out.plane + offset[q]);
      for (int64_t i = panels * share / shares; i < panels * (share + 1) / shares; ++i) {
        const int64_t c = i * panel;
        gemm_rows(rows, smaller(panel, g.channels - c), smaller(most_depth, positions - p),
                  Gathered<float>{of_filters, out.plane, offset + p},
                  StridedRows<float>{place(k, c) + p * panel, panel},
                  TileOutput<float>{.c = dw + f * g.channels + c,
                                    .stride = g.channels,
                                    .beta = k == 0 && p == 0 ? 0.0f : 1.0f});
      }
    }
  };
  for (int64_t k = -1; k < chunks; ++k) {
    const int64_t gathers = k + 1 < chunks ? panels * parts : 0;
    if (gathers) find_offsets(k + 1);
    parallel_for(gathers + (k < 0 ? 0 : blocks * shares), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        if (i < gathers)
          gather_part(k + 1, i / parts, i % parts);
        else
          multiply_block(k, (i - gathers) / shares, (i - gathers) % shares);
    });
  }
  if (db)
    parallel_for(g.filters, 8, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f) db[f] = bias_gradient(g, 0, g.batch, f, dy);
    });
}

}  // namespace hebb::cpu::HEBB_ISA
