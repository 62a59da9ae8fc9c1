#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/vector.hpp"

/// Products of float32 matrices on AMX's tiles, which multiply bfloat16 numbers and add in float32.
/// A float x is x₁ + x₂ + ε with bfloat16 x₁ and x₂ and |ε| ≤ 2⁻¹⁸ |x|; of the product of two such
/// sums x₁y₁ + x₁y₂ + x₂y₁ is computed, so that each product has a relative error of at most
/// 3 · 2⁻¹⁸. Use it where the terms of a sum do not cancel. A core multiplies 512 pairs of bfloat16
/// numbers a cycle, and 32 of float32 with AVX-512. Infinities become NaN.
///
/// For v4 alone, after the process was given the registers (core/cpu/isa/select.cpp), and for code
/// within the life of a `Tiles`.
namespace hebb::cpu::HEBB_ISA::amx {

inline constexpr int64_t side = 16;         ///< C's tiles have so many rows and columns.
inline constexpr int64_t step = 2 * side;   ///< What is summed over is cut into so many at a time.
inline constexpr int64_t block = 2 * side;  ///< `multiply` computes 2 x 2 tiles of C.

/// The tile registers of this thread, eight of 16 rows of 64 bytes, for the life of the object.
class Tiles {
 public:
  Tiles() {
    alignas(64) struct {
      uint8_t palette = 1, start_row = 0, reserved[14] = {};
      uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    } const config;
    _tile_loadconfig(&config);
  }
  ~Tiles() { _tile_release(); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;
};

/// One factor of a product in tiles. For each 16 of its extent (the left factor's rows, the right
/// factor's columns) and each step of the sum there are two tiles, for the two parts of its floats.
/// A tile has 16 x 16 words, each of them the bfloat16 numbers p and p + 16 of the step: in the
/// right factor one row for each p, in the left factor one column. All sizes are multiples of 32.
class Factor {
 public:
  static constexpr int64_t tile_words = side * side, tiles_words = 2 * tile_words;

  Factor(int64_t extent, int64_t depth)
      : steps_(depth / step), words_(extent / side * steps_ * tiles_words) {}

  uint32_t* tiles(int64_t extent_block, int64_t depth_step) const {
    return words_.data() + (extent_block * steps_ + depth_step) * tiles_words;
  }
  int64_t steps() const { return steps_; }

 private:
  int64_t steps_;
  Scratch<uint32_t> words_;
};

/// One row of the words of x and y, in both tiles. Remainders are exact.
inline void split(Vec<float> x, Vec<float> y, uint32_t* to) {
  typedef uint32_t Words __attribute__((vector_size(64)));
  constexpr uint32_t high = 0xffff0000, half = 0x8000;
  const auto bits = [](Vec<float> v) { return reinterpret_cast<Words>(v.v) + half; };
  const auto first_part = [](Words w) {
    return Vec<float>(reinterpret_cast<Vec<float>::Raw>(w & high));
  };
  const Words a = bits(x), b = bits(y);
  const Words c = bits(x - first_part(a)), d = bits(y - first_part(b));
  *reinterpret_cast<Words*>(to) = a >> 16 | (b & high);
  *reinterpret_cast<Words*>(to + Factor::tile_words) = c >> 16 | (d & high);
}

/// 32 rows of a right factor become its tiles of one step.
inline void split_rows(int64_t columns, const float* from, int64_t stride, const Factor& to,
                       int64_t depth_step) {
  for (int64_t j = 0; j < columns / side; ++j) {
    uint32_t* tiles = to.tiles(j, depth_step);
    for (int64_t p = 0; p < side; ++p)
      split(load(from + p * stride + j * side), load(from + (p + side) * stride + j * side),
            tiles + p * side);
  }
}

/// 16 rows of a left factor become its tiles of all steps.
inline void split_columns(const float* from, int64_t stride, const Factor& to, int64_t which) {
  for (int64_t t = 0; t < to.steps(); ++t)
    for (int64_t r = 0; r < side; ++r) {
      const float* row = from + r * stride + t * step;
      split(load(row), load(row + side), to.tiles(which, t) + r * side);
    }
}

/// Tiles of a right factor become those of its transpose as a left factor.
inline void transpose_tiles(const uint32_t* from, uint32_t* to) {
  for (int part = 0; part < 2; ++part) {
    const float* source = reinterpret_cast<const float*>(from + part * Factor::tile_words);
    float* target = reinterpret_cast<float*>(to + part * Factor::tile_words);
    Vec<float> rows[side];
    for (int64_t r = 0; r < side; ++r) rows[r] = load(source + r * side);
    transpose(rows);
    for (int64_t r = 0; r < side; ++r) store(target + r * side, rows[r]);
  }
}

/// C [32, 32] = the product, or C += it: the left factor's blocks i and i + 1, from a step on, with
/// the right one's blocks j and j + 1.
template <bool accumulate>
void multiply(int64_t steps, const Factor& left, int64_t i, int64_t left_step, const Factor& right,
              int64_t j, float* c, int64_t stride) {
  const uint32_t *a0 = left.tiles(i, left_step), *a1 = left.tiles(i + 1, left_step);
  const uint32_t *b0 = right.tiles(j, 0), *b1 = right.tiles(j + 1, 0);
  const size_t bytes = size_t(stride) * sizeof(float);
  const auto load_left = [&](int64_t tile) {
    _tile_loadd(4, a0 + tile * Factor::tile_words, 64);
    _tile_loadd(5, a1 + tile * Factor::tile_words, 64);
  };
  const auto load_right = [&](int64_t tile) {
    _tile_stream_loadd(6, b0 + tile * Factor::tile_words, 64);
    _tile_stream_loadd(7, b1 + tile * Factor::tile_words, 64);
  };
  const auto add_products = [] {
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  };
  asm volatile("" ::: "memory");  // GCC does not know that tiles are loaded from memory
  if constexpr (accumulate) {
    _tile_loadd(0, c, bytes);
    _tile_loadd(1, c + side, bytes);
    _tile_loadd(2, c + side * stride, bytes);
    _tile_loadd(3, c + side * stride + side, bytes);
  } else {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  }
  for (int64_t t = 0; t < 2 * steps; t += 2) {
    load_left(t), load_right(t + 1), add_products();
    load_right(t), add_products();
    load_left(t + 1), add_products();
  }
  _tile_stored(0, c, bytes);
  _tile_stored(1, c + side, bytes);
  _tile_stored(2, c + side * stride, bytes);
  _tile_stored(3, c + side * stride + side, bytes);
}

}  // namespace hebb::cpu::HEBB_ISA::amx
