#pragma once

#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/integers.hpp"
#include "core/cpu/simd/vector.hpp"
#include "core/geometry.hpp"

/// The positions at which a 1x1 convolution reads its input and writes its output.
namespace hebb::cpu::HEBB_ISA {

/// The output's positions as they stand in a tensor [batch, channels, plane]: in each image, rows
/// row_step apart, and in these `columns` of them `step` apart.
struct Grid {
  int64_t channels, plane, width, rows, columns, row_step, step;

  int64_t positions() const { return rows * columns; }
  /// Where position q of a batch stands, for channel 0.
  int64_t offset(int64_t q) const {
    const int64_t p = q % positions();
    return q / positions() * channels * plane + p / columns * row_step + p % columns * step;
  }

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

/// Some neighbouring positions as vectors, each put together from the parts of memory that its
/// lanes lie in.
class PositionVectors {
 public:
  explicit PositionVectors(int64_t most_positions)
      : first_part_(ceil_div(most_positions, lanes) + 1),
        offsets_(most_positions),
        lengths_(most_positions),
        sources_(most_positions) {}

  /// Makes it the positions [first, last).
  void find(const Grid& grid, int64_t first, int64_t last) {
    int64_t parts = 0, lane = 0, offset = 0;
    int64_t row = first % grid.positions() / grid.columns, column = first % grid.columns;
    count_ = 0;
    for (int64_t q = first; q < last; ++q) {
      if (lane == 0) first_part_[count_++] = parts;
      if (lane == 0 || offset >= offsets_[parts - 1] + lanes) {
        sources_[parts] = order();
        offsets_[parts++] = offset;
      }
      const int64_t within = offset - offsets_[parts - 1];
      sources_[parts - 1][lane] = int32_t(lanes + within);
      lengths_[parts - 1] = within + 1;

      lane = lane + 1 < lanes ? lane + 1 : 0;
      offset += grid.step;
      if (++column < grid.columns) continue;
      column = 0;
      offset += grid.row_step - grid.columns * grid.step;
      if (++row < grid.rows) continue;
      row = 0;
      offset += grid.channels * grid.plane - grid.rows * grid.row_step;
    }
    first_part_[count_] = parts;
  }

  /// How many vectors there are; lanes of the last that stand for nothing are zero.
  int64_t count() const { return count_; }
  /// How many parts all vectors have together, and where one begins, from the first position.
  int64_t parts() const { return first_part_[count_]; }
  int64_t part_offset(int64_t part) const { return offsets_[part]; }

  /// Vector i of `rows` planes, of which x points at the first position in the first.
  template <int rows>
  void load_rows(int64_t i, const float* x, int64_t plane, Vec<float> (&to)[rows]) const {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) to[r] = 0.0f;
    for (int64_t p = first_part_[i]; p < first_part_[i + 1]; ++p) {
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r)
        to[r] = insert_lanes(to[r], sources_[p], load(x + r * plane + offsets_[p], lengths_[p]));
    }
  }

 private:
  static constexpr int64_t lanes = Vec<float>::lanes;
  using Lanes = Vec<float>::Mask;
  static Lanes order() {
    Lanes lane;
#pragma GCC unroll 16
    for (int i = 0; i < lanes; ++i) lane[i] = i;
    return lane;
  }

  int64_t count_ = 0;
  Scratch<int64_t> first_part_, offsets_, lengths_;
  Scratch<Lanes> sources_;
};

}  // namespace hebb::cpu::HEBB_ISA
