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

/// Threads share the sums: each block of them belongs to one, which goes over all positions.
void pointwise_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                               float* db) {
  const Grid in = Grid::input(g), out = Grid::output(g);
  const int64_t total = g.batch * out.plane;
  const int64_t left_panels = ceil_div(g.filters, panel),
                right_panels = ceil_div(g.channels, panel);
  const int64_t chunk =
      smaller(total, ceil_div(second_level, (left_panels + right_panels) * panel * panel) * panel);
  Scratch<float> left(left_panels * panel * chunk), right(right_panels * panel * chunk);
  if (total == 0) std::memset(dw, 0, size_t(g.filters * g.channels) * sizeof(float));
  for (int64_t first = 0; first < total; first += chunk) {
    const int64_t last = smaller(total, first + chunk);
    parallel_for(left_panels + right_panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const bool of_output = i < left_panels;
        const Grid& grid = of_output ? out : in;
        const int64_t number = of_output ? i : i - left_panels, channel = number * panel;
        gather_transposed(grid, of_output ? dy : x, channel,
                          smaller(panel, grid.channels - channel), first, last,
                          (of_output ? left : right).data() + number * panel * chunk);
      }
    });
    const int64_t depths = ceil_div(last - first, most_depth);
    parallel_for(left_panels * right_panels, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t f = i % left_panels * panel, c = i / left_panels * panel;
        const int64_t rows = smaller(panel, g.filters - f), blocks = ceil_div(rows, max_tile_rows);
        for (int64_t d = 0; d < depths; ++d) {
          const int64_t p = (last - first) * d / depths;
          const int64_t depth = (last - first) * (d + 1) / depths - p;
          for (int64_t block = 0; block < blocks; ++block) {
            const int64_t row = rows * block / blocks;
            gemm_rows(rows * (block + 1) / blocks - row, smaller(panel, g.channels - c), depth,
                      ColumnMajor<float>{left.data() + f * chunk + p * panel + row, panel},
                      StridedRows<float>{right.data() + c * chunk + p * panel, panel},
                      TileOutput<float>{.c = dw + (f + row) * g.channels + c,
                                        .stride = g.channels,
                                        .beta = first == 0 && d == 0 ? 0.0f : 1.0f});
          }
        }
      }
    });
  }
  if (db)
    parallel_for(g.filters, 8, [&](int64_t begin, int64_t end) {
      for (int64_t f = begin; f < end; ++f) db[f] = bias_gradient(g, 0, g.batch, f, dy);
    });
}

}  // namespace hebb::cpu::HEBB_ISA
