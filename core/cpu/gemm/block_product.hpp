#pragma once

#include <cstdint>
#include <optional>

#include "core/cpu/kernels.hpp"
#include "core/cpu/simd/amx.hpp"

/// Blocks of products of numbers rounded to bfloat16, which are added up in float32: on AMX's tiles
/// or by AVX512-BF16, whose sums round differently. NaN stays NaN; subnormals are zero.
namespace hebb::cpu::HEBB_ISA::bfloat16 {

using amx::side, amx::step, amx::block;

/// A tile has 16 rows of 64 bytes: of the left factor 32 numbers of each row, of the right factor
/// the numbers 2p and 2p + 1 of each column, in its row p.
inline constexpr int64_t tile_numbers = side * step;

/// Where the tiles of a factor begin: those of step s `offsets[s]`, or s * step_numbers where there
/// are none, behind these two.
struct Tiles {
  const uint16_t* tile[2];
  int64_t step_numbers = 0;
  int64_t row_bytes = 64;  ///< From row to row of a tile.
  const int64_t* offsets = nullptr;

  const uint16_t* at(int64_t s, int64_t which) const {
    return tile[which] + (offsets ? offsets[s] : s * step_numbers);
  }
};

/// Where a block of C, 2 x 2 tiles, ends, and begins perhaps.
struct Corner {
  float* tile[2][2];
  int64_t stride;  ///< Of the rows of a tile, in floats.

  /// A block [32, 32] of a matrix.
  static Corner of(float* c, int64_t stride) {
    return {{{c, c + side}, {c + side * stride, c + side * stride + side}}, stride};
  }
};

/// C = or, with `add`, += the products of `steps` steps; each row begins with `row` [32] where
/// there is one.
struct BlockProduct {
  int64_t steps;
  Tiles left, right;
  Corner c;
  bool add = false;
  const float* row = nullptr;
};

void multiply_on_tiles(const BlockProduct& product);  ///< within the life of amx::Tiles
void multiply_in_vectors(const BlockProduct& product);

/// What multiplies blocks on this thread, for the life of the object.
class Multiplier {
 public:
  explicit Multiplier(Bfloat16Unit unit) {
    if (unit == Bfloat16Unit::tiles) tiles_.emplace();
  }
  void operator()(const BlockProduct& product) const {
    tiles_ ? multiply_on_tiles(product) : multiply_in_vectors(product);
  }

 private:
  std::optional<amx::Tiles> tiles_;
};

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
