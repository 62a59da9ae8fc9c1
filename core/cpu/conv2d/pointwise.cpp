#include "core/cpu/conv2d/pointwise.hpp"

#include <cstring>

#include "core/cpu/conv2d/panels.hpp"
#include "core/cpu/conv2d/positions.hpp"
#include "core/cpu/conv2d/requests.hpp"
#include "core/cpu/conv2d/weight_sums.hpp"
#include "core/cpu/simd/copy.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

constexpr int64_t lanes = Vec<float>::lanes;

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
    const int64_t p = q % grid.positions();
    const int64_t row = p / grid.columns, column = p % grid.columns;
    const int64_t length =
        smaller(smaller(grid.columns - column, last - q), panel - (q - first) % panel);
    const bool ends = column + length == grid.columns;
    const int64_t next = row + 1 < grid.rows ? (row + 1) * grid.row_step : grid.plane;
    runs[count] = {q - first, length, grid.offset(q),
                   ends ? grid.width - column * grid.step : length * grid.step,
                   ends ? next - row * grid.row_step - grid.width : 0};
  }
  return count;
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
  if constexpr (vector_registers == 32)  // whose masked stores are quick
    if (step == 2 && i < n) {
      const int64_t left = 2 * (n - i) - 1;
      Vec<float> even, odd, second = 0.0f;
      if (left > lanes) second = load(from + 2 * i + lanes, left - lanes);
      split_pairs(load(from + 2 * i, smaller(lanes, left)), second, even, odd);
      return store(to + i, even, n - i);
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

void gather(const Grid& grid, const float* x, int64_t first, int64_t last, bool foreseen,
            float* matrix) {
  Scratch<Run> runs(last - first);
  const int64_t count = find_runs(grid, first, last, runs.data());
  if (grid.step > 1 && 4 * grid.columns <= lanes)
    return gather_short_rows(grid, x, runs.data(), count, last - first, matrix);
  for (int64_t c = 0; c < grid.channels; ++c)
    for (int64_t r = 0; r < count; ++r) {
      const float* from = x + runs[r].offset + c * grid.plane;
      if (!foreseen) prefetch_row<0>(from + grid.plane, runs[r].length * grid.step);
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

/// Asks for the inputs at some positions, a part of them with each call.
class Foresight {
 public:
  Foresight(const Grid& grid, const float* x, int64_t first, int64_t last, int64_t calls)
      : grid_(grid),
        runs_(last - first),
        count_(find_runs(grid, first, last, runs_.data())),
        x_(x) {
    per_call_ = ceil_div(count_ * grid.channels, calls);
  }
  void operator()() {
    constexpr int second_level_cache = 2;
    for (int64_t i = 0; i < per_call_ && channel_ < grid_.channels; ++i) {
      const Run& run = runs_[run_];
      for (int64_t p = 0; p < run.length * grid_.step; p += line)
        __builtin_prefetch(x_ + run.offset + p, 0, second_level_cache);
      if (++run_ == count_) run_ = 0, ++channel_, x_ += grid_.plane;
    }
  }

 private:
  const Grid& grid_;
  Scratch<Run> runs_;
  int64_t count_, per_call_, run_ = 0, channel_ = 0;
  const float* x_;
};

/// How many parts multiply_panel has.
int64_t parts_of_panel(int64_t m, int64_t k) {
  return ceil_div(m, max_tile_rows) * ceil_div(k, most_depth);
}

/// The product of a panel, which stays in the cache for all rows; after each part of it, between().
template <class Function>
void multiply_panel(const Product<float>& p, Function&& between) {
  const int64_t blocks = ceil_div(p.m, max_tile_rows), depths = ceil_div(p.k, most_depth);
  for (int64_t d = 0; d < depths; ++d)
    for (int64_t block = 0; block < blocks; ++block, between())
      multiply_part(p, block, blocks, d, depths);
}

/// y at the positions of `out` = w [out.channels, in.channels] x at those of `in`, plus bias.
void multiply(int64_t batch, const Grid& in, const Grid& out, const float* x, const float* w,
              const float* bias, float* y) {
  const int64_t total = batch * in.positions();
  // Panels lie within an image, so that the product's rows stand in y.
  const bool direct = out.plane == in.positions() && out.plane % panel == 0;
  const int64_t least = ceil_div(conv_piece_work, in.channels * out.channels);
  // Where products are short, the memory that they wait for is asked for while others are computed.
  constexpr int64_t few_filters = 128, part = second_level / 8 * 3;
  const bool foresees = out.channels <= few_filters;
  const int64_t most = larger((foresees ? part : second_level) / (in.channels + out.channels), 1);
  const int64_t wanted = larger(least, total / 16);
  const int64_t chunk = ceil_div(smaller(wanted, most), panel) * panel;
  const int64_t neighbours = foresees ? larger(1, smaller(4, wanted / chunk)) : 1;
  parallel_for(ceil_div(total, chunk), neighbours, [&](int64_t begin, int64_t end) {
    Scratch<float> columns(in.channels * chunk), results(direct ? 0 : out.channels * chunk);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t first = item * chunk, last = smaller(total, first + chunk);
      gather(in, x, first, last, foresees, columns.data());
      Foresight next(in, x, last, foresees ? smaller(total, last + chunk) : last,
                     ceil_div(last - first, panel) * parts_of_panel(out.channels, in.channels));
      for (int64_t q = first; q < last; q += panel) {
        float* c = direct ? y + q / out.plane * out.channels * out.plane + q % out.plane
                          : element(results.data(), out.channels, 0, q - first);
        const Product<float> product = {
            .m = out.channels,
            .n = smaller(panel, last - q),
            .k = in.channels,
            .a = {w, in.channels},
            .b = {element(columns.data(), in.channels, 0, q - first), panel},
            .c = c,
            .c_stride = direct ? out.plane : panel,
            .row_bias = bias};
        multiply_panel(product, next);
      }
      if (!direct) scatter(out, results.data(), first, last, y);
    }
  });
}

/// to [positions, panel] = the positions of `at`, with `channels` planes in the lanes; x points at
/// the first position in the first plane.
void gather_transposed(const PositionVectors& at, const float* x, int64_t plane, int64_t channels,
                       float* to) {
  for (int64_t c = 0; c < channels; c += lanes)
    for (int64_t i = 0; i < at.count(); ++i) {
      Vec<float> tile[lanes];
      if (channels - c >= lanes)
        at.load_rows(i, x + c * plane, plane, tile);
      else
        for (int64_t r = 0; r < lanes; ++r) {
          Vec<float> row[1] = {0.0f};
          if (c + r < channels) at.load_rows(i, x + (c + r) * plane, plane, row);
          tile[r] = row[0];
        }
      transpose(tile);
#pragma GCC unroll 16
      for (int64_t r = 0; r < lanes; ++r) store(to + (i * lanes + r) * panel + c, tile[r]);
    }
}

/// A block of rows of A against a panel of B, which asks for lines of memory, if it is large.
void multiply_block(int64_t rows, int64_t n, int64_t k, const Gathered<float>& a, const float* b,
                    const Lines<float>& soon, const Lines<float>& later,
                    const TileOutput<float>& to) {
  if (n == panel && full_tile_pays(int(rows * ForeseeingRows<float>::vectors)))
    gemm_rows(rows, n, k, a, ForeseeingRows<float>{b, panel, soon, later}, to);
  else
    gemm_rows(rows, n, k, a, StridedRows<float>{b, panel}, to);
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

/// The inputs of some positions are made panels of channels, and the output's gradients are read
/// where they are.
void pointwise_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                               float* db) {
  const Grid in = Grid::input(g), out = Grid::output(g);
  // Sums that stay in the second-level cache, and positions enough to be worth adding them up.
  constexpr int64_t most_sums = second_level / 8, least_positions = 4 * most_depth;
  const int64_t group = larger(panel, most_sums / larger(1, g.filters) / panel * panel);
  accumulate_weights(
      g, group, least_positions, dy, dw, db,
      [=](int64_t first_image, int64_t last_image, int64_t channel, int64_t channels, float* sum) {
        const int64_t panels = ceil_div(channels, panel),
                      blocks = ceil_div(out.channels, max_tile_rows);
        const int64_t first = first_image * out.plane, last = last_image * out.plane;
        const auto block_start = [&](int64_t block) { return out.channels * block / blocks; };
        PositionVectors at(most_depth);
        Scratch<float> columns(panels * panel * most_depth);
        Scratch<int32_t> positions(most_depth);
        Requests next_rows(max_tile_rows * most_depth), next_columns(channels * most_depth);
        for (int64_t q = first, depth = 0; q < last; q += depth) {
          const bool same =
              depth == smaller(most_depth, last - q) && q % out.plane == (q - depth) % out.plane;
          depth = smaller(most_depth, last - q);
          if (!same) {
            at.find(in, q, q + depth);
            for (int64_t p = 0; p < depth; ++p)
              positions[p] = int32_t(p + ((q + p) / out.plane - q / out.plane) *
                                             (out.channels - 1) * out.plane);
            next_columns.set(at, channels, in.plane);
            next_rows.set(max_tile_rows, out.plane, positions.data(), depth);
          }
          for (int64_t c = 0; c < channels; c += panel)
            gather_transposed(at, x + in.offset(q) + (channel + c) * in.plane, in.plane,
                              smaller(panel, channels - c), columns.data() + c * most_depth);
          // Where this piece ends, this thread mostly goes on with the next one.
          int64_t next_q = q + depth, next_channel = channel;
          if (next_q == last && channels < in.channels) {
            next_channel = channel + channels < in.channels ? channel + channels : 0;
            if (next_channel > 0) next_q = first;
          }
          const bool more = next_q < g.batch * out.plane;
          const float* this_dy = dy + out.offset(q);
          const float* next_dy = more ? dy + out.offset(next_q) : dy;
          if (more)
            next_columns.start(x + in.offset(next_q) + next_channel * in.plane,
                               blocks * panels * depth);
          else
            next_columns.stop(x);
          for (int64_t block = 0; block < blocks; ++block) {
            const int64_t f = block_start(block), rows = block_start(block + 1) - f;
            next_rows.start(
                block + 1 < blocks ? this_dy + block_start(block + 1) * out.plane : next_dy, 0);
            for (int64_t c = 0; c < channels; c += panel)
              multiply_block(rows, smaller(panel, channels - c), depth,
                             {this_dy + f * out.plane, out.plane, positions.data()},
                             columns.data() + c * most_depth, next_rows.take(depth),
                             next_columns.take(depth),
                             {.c = sum + f * in.channels + c,
                              .stride = in.channels,
                              .beta = q == first ? 0.0f : 1.0f});
          }
        }
      });
}

}  // namespace hebb::cpu::HEBB_ISA
