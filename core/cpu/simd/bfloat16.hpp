#pragma once

#include <immintrin.h>

#include <cstdint>

#include "core/cpu/gemm/block_product.hpp"
#include "core/cpu/simd/vector.hpp"

/// Floats that are rounded to bfloat16, to the nearest and ties to even, in tiles that are factors
/// (gemm/block_product.hpp). NaN stays NaN; subnormals become zero.
///
/// For v4 alone, on a machine with AVX512-BF16, as all have that have AMX.
namespace hebb::cpu::HEBB_ISA::bfloat16 {

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

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
