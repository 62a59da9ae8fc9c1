#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/cpu/simd/amx.hpp"
#include "core/cpu/simd/vector.hpp"

/// Floats that are rounded to bfloat16, to the nearest and ties to even, and their products on
/// AMX's tiles, which are added up in float32. NaN stays NaN; subnormals become zero.
///
/// For v4 alone, on a machine with AMX, all of which have AVX512-BF16 as well.
namespace hebb::cpu::HEBB_ISA::bfloat16 {

using amx::side, amx::step, amx::block;

/// A tile has 16 rows of 64 bytes: of the left factor 32 numbers of each row, of the right factor
/// the numbers 2p and 2p + 1 of each column, in its row p.
inline constexpr int64_t tile_numbers = side * step;

/// The numbers of a, and then those of b.
inline __m512i round(Vec<float> a, Vec<float> b) {
  return reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b.v, a.v));
}

/// Words of a number of a, in the lower half, and the one of b beside it.
inline __m512i round_pairs(Vec<float> a, Vec<float> b) {
  static constexpr struct {
    alignas(64) uint16_t lane[32];
  } halves = [] {
    auto result = decltype(halves){};
    for (int i = 0; i < 32; ++i) result.lane[i] = uint16_t(i / 2 + i % 2 * 16);
    return result;
  }();
  return _mm512_permutexvar_epi16(_mm512_load_si512(halves.lane), round(a, b));
}

/// Words [16, 16] change places across the diagonal: a left factor's tile becomes its transpose's
/// as a right factor, and the other way.
inline void transpose_words(const __m512i (&rows)[side], void* to) {
  Vec<float> words[side];
#pragma GCC unroll 16
  for (int64_t i = 0; i < side; ++i) words[i] = reinterpret_cast<Vec<float>::Raw>(rows[i]);
  transpose(words);
#pragma GCC unroll 16
  for (int64_t i = 0; i < side; ++i) store(static_cast<float*>(to) + i * side, words[i]);
}

/// The same within a tile.
inline void transpose_tile(uint16_t* tile) {
  __m512i rows[side];
#pragma GCC unroll 16
  for (int64_t i = 0; i < side; ++i) rows[i] = _mm512_load_si512(tile + i * step);
  transpose_words(rows, tile);
}

/// Where a block of C, 2 x 2 tiles, begins, is kept between products and ends.
struct Corner {
  float* tile[2][2];
  int64_t stride;  ///< Of the rows of a tile, in floats.

  /// A block [32, 32] of a matrix.
  static Corner of(float* c, int64_t stride) {
    return {{{c, c + side}, {c + side * stride, c + side * stride + side}}, stride};
  }
};

inline void clear() {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
}
/// All 32 rows are alike.
inline void begin_with(const float* row) {
  asm volatile("" ::: "memory");  // GCC does not know that tiles are loaded from memory
  _tile_loadd(0, row, 0);
  _tile_loadd(1, row + side, 0);
  _tile_loadd(2, row, 0);
  _tile_loadd(3, row + side, 0);
}
inline void begin_with(const Corner& c) {
  const size_t bytes = size_t(c.stride) * sizeof(float);
  asm volatile("" ::: "memory");
  _tile_loadd(0, c.tile[0][0], bytes);
  _tile_loadd(1, c.tile[0][1], bytes);
  _tile_loadd(2, c.tile[1][0], bytes);
  _tile_loadd(3, c.tile[1][1], bytes);
}
inline void end_in(const Corner& c) {
  const size_t bytes = size_t(c.stride) * sizeof(float);
  _tile_stored(0, c.tile[0][0], bytes);
  _tile_stored(1, c.tile[0][1], bytes);
  _tile_stored(2, c.tile[1][0], bytes);
  _tile_stored(3, c.tile[1][1], bytes);
}

/// C += the products of `steps` steps; left(s, i) and right(s, j) are where the tiles of step s
/// begin, with rows so many bytes apart.
template <class Left, class Right>
inline void add_products(int64_t steps, Left left, int64_t left_bytes, Right right,
                         int64_t right_bytes) {
  const size_t a = size_t(left_bytes), b = size_t(right_bytes);
  asm volatile("" ::: "memory");
  for (int64_t s = 0; s < steps; ++s) {
    _tile_loadd(4, left(s, 0), a);
    _tile_loadd(6, right(s, 0), b);
    _tile_dpbf16ps(0, 4, 6);
    _tile_loadd(7, right(s, 1), b);
    _tile_dpbf16ps(1, 4, 7);
    _tile_loadd(5, left(s, 1), a);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
