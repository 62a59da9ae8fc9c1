#include <cstring>

#include "core/cpu/gemm/block_product.hpp"

namespace hebb::cpu::HEBB_ISA::bfloat16 {
namespace {

/// Rows of C whose sums stand in registers: with both tiles of columns, 16 of them.
constexpr int64_t rows_at_once = 8;

/// A word of a left factor, which need not be aligned, in all lanes.
inline __m512bh broadcast(const char* from) {
  int word = 0;
  std::memcpy(&word, from, sizeof word);
  return reinterpret_cast<__m512bh>(_mm512_set1_epi32(word));
}

/// Rows [first, first + 8) of both tiles in row `which` of C. What is added to is so at the end:
/// sums of sums are closer than a long one.
void multiply_rows(const BlockProduct& q, int64_t which, int64_t first) {
  Vec<float> sums[rows_at_once][2];
  float* const c[2] = {q.c.tile[which][0] + first * q.c.stride,
                       q.c.tile[which][1] + first * q.c.stride};
#pragma GCC unroll 8
  for (int64_t i = 0; i < rows_at_once; ++i)
#pragma GCC unroll 2
    for (int64_t j = 0; j < 2; ++j) sums[i][j] = q.row ? load(q.row + j * side) : Vec<float>(0.0f);
  const int64_t left_row = q.left.row_bytes, right_row = q.right.row_bytes;
  for (int64_t s = 0; s < q.steps; ++s) {
    const char* left = reinterpret_cast<const char*>(q.left.at(s, which)) + first * left_row;
    const char* right[2] = {reinterpret_cast<const char*>(q.right.at(s, 0)),
                            reinterpret_cast<const char*>(q.right.at(s, 1))};
    for (int64_t p = 0; p < side; ++p) {
      const auto columns = [&](int64_t j) {
        return reinterpret_cast<__m512bh>(_mm512_loadu_si512(right[j] + p * right_row));
      };
      const __m512bh column[2] = {columns(0), columns(1)};
#pragma GCC unroll 8
      for (int64_t i = 0; i < rows_at_once; ++i) {
        const __m512bh row = broadcast(left + i * left_row + p * 4);
        sums[i][0] = Vec<float>(_mm512_dpbf16_ps(sums[i][0].v, row, column[0]));
        sums[i][1] = Vec<float>(_mm512_dpbf16_ps(sums[i][1].v, row, column[1]));
      }
    }
  }
#pragma GCC unroll 8
  for (int64_t i = 0; i < rows_at_once; ++i)
#pragma GCC unroll 2
    for (int64_t j = 0; j < 2; ++j) {
      float* to = c[j] + i * q.c.stride;
      store(to, q.add ? load(to) + sums[i][j] : sums[i][j]);
    }
}

}  // namespace

void multiply_in_vectors(const BlockProduct& q) {
  for (int64_t which = 0; which < 2; ++which)
    for (int64_t first = 0; first < side; first += rows_at_once) multiply_rows(q, which, first);
}

}  // namespace hebb::cpu::HEBB_ISA::bfloat16
