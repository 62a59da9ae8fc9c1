#include "core/cpu/gemm/occupied_columns.hpp"

#include <bit>
#include <cstring>

#include "core/cpu/simd/vector.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}

}  // namespace

OccupiedColumns::OccupiedColumns(int64_t rows, int64_t columns, const float* x)
    : columns_(columns), index_(columns), mask_(ceil_div(columns, 16)) {
  const Scratch<uint32_t> scratch(columns);
  uint32_t* const seen = scratch.data();
  for (int64_t j = 0; j < columns; ++j) seen[j] = 0;
  int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    const float* row = x + i * columns;
    for (int64_t j = 0; j < columns; ++j)
      seen[j] |= bits_of(row[j]) | bits_of(row[columns + j]) | bits_of(row[2 * columns + j]) |
                 bits_of(row[3 * columns + j]);
  }
  for (; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) seen[j] |= bits_of(x[i * columns + j]);

  for (int64_t j = 0; j < ceil_div(columns, 16); ++j) mask_[j] = 0;
  for (int64_t j = 0; j < columns; ++j) {
    if (seen[j] << 1 == 0) continue;  // zeros of both signs
    index_[count_++] = int32_t(j);
    mask_[j / 16] = uint16_t(mask_[j / 16] | 1u << j % 16);
  }
}

void OccupiedColumns::pack(int64_t rows, const float* from, float* to) const {
  for (int64_t i = 0; i < rows; ++i) {
    const float* source = from + i * columns_;
    float* target = to + i * stride();
#if defined(__AVX512F__)
    for (int64_t j = 0; j < columns_; j += 16) {
      const uint16_t mask = mask_[j / 16];
      const __m512 x = _mm512_maskz_loadu_ps(
          j + 16 <= columns_ ? 0xffff : 0xffff >> (j + 16 - columns_), source + j);
      _mm512_mask_compressstoreu_ps(target, mask, x);
      target += std::popcount(mask);
    }
#else
    for (int64_t c = 0; c < count_; ++c) target[c] = source[index_[c]];
#endif
  }
}

void OccupiedColumns::unpack(int64_t rows, const float* from, float* to) const {
  for (int64_t i = 0; i < rows; ++i) {
    const float* source = from + i * stride();
    float* target = to + i * columns_;
#if defined(__AVX512F__)
    for (int64_t j = 0; j < columns_; j += 16) {
      const uint16_t mask = mask_[j / 16];
      const Vec<float> x(_mm512_maskz_expandloadu_ps(mask, source));
      if (j + 16 <= columns_)
        store(target + j, x);
      else
        store(target + j, x, columns_ - j);
      source += std::popcount(mask);
    }
#else
    for (int64_t j = 0; j < columns_; ++j) target[j] = 0;
    for (int64_t c = 0; c < count_; ++c) target[index_[c]] = source[c];
#endif
  }
}

}  // namespace hebb::cpu::HEBB_ISA
