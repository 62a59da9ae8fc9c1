#include "core/cpu/gemm/bfloat16.hpp"

#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/bfloat16.hpp"
#include "core/cpu/simd/integers.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace bfloat16 {
namespace {

/// The first n floats from memory, none of them where n is not positive.
Vec<float> some(const float* p, int64_t n) {
  return n >= side ? load(p) : n > 0 ? load(p, n) : Vec<float>(0.0f);
}

/// Words of 32 numbers of each of 16 rows.
void round_rows(const float* from, int64_t stride, int64_t rows, int64_t numbers,
                __m512i (&words)[side]) {
  for (int64_t i = 0; i < side; ++i) {
    const int64_t there = i < rows ? numbers : 0;
    words[i] = round(some(from + i * stride, there), some(from + i * stride + side, there - side));
  }
}

/// Words of two numbers of each of 16 columns, of 32 rows.
void round_columns(const float* from, int64_t stride, int64_t rows, int64_t columns,
                   __m512i (&words)[side]) {
  for (int64_t p = 0; p < side; ++p) {
    const float* row = from + 2 * p * stride;
    words[p] = round_pairs(some(row, 2 * p < rows ? columns : 0),
                           some(row + stride, 2 * p + 1 < rows ? columns : 0));
  }
}

/// to [blocks of 16, steps, tile] = a factor, whose outer axis is C's and whose inner one is summed
/// over. `along`: the numbers that are summed over lie side by side.
void lay_out(bool left, bool along, const Operand<float>& x, int64_t outer, int64_t inner,
             uint16_t* to) {
  const int64_t steps = ceil_div(inner, step);
  parallel_for(
      ceil_div(outer, block) * 2, ceil_div(64, steps + 1), [&](int64_t begin, int64_t end) {
        for (int64_t item = begin; item < end; ++item)
          for (int64_t s = 0; s < steps; ++s) {
            uint16_t* tile = to + (item * steps + s) * tile_numbers;
            const int64_t i = item * side, p = s * step;
            __m512i words[side];
            if (along)
              round_rows(x.data + i * x.stride + p, x.stride, outer - i, inner - p, words);
            else
              round_columns(x.data + p * x.stride + i, x.stride, inner - p, outer - i, words);
            if (left == along)
              for (int64_t r = 0; r < side; ++r) _mm512_store_si512(tile + r * step, words[r]);
            else
              transpose_words(words, tile);
          }
      });
}

void write(const Product<float>& q, int64_t i, int64_t j, const float* sums) {
  for (int64_t row = i; row < smaller(q.m, i + block); ++row)
    for (int64_t column = j; column < smaller(q.n, j + block); column += side) {
      const int64_t left = smaller(side, q.n - column);
      float* c = q.c + row * q.c_stride + column;
      Vec<float> v = Vec<float>(q.alpha) * load(sums + (row - i) * block + column - j);
      if (q.beta != 0) v += Vec<float>(q.beta) * load(c, left);
      if (q.row_bias) v += Vec<float>(q.row_bias[row]);
      if (q.column_bias) v += load(q.column_bias + column, left);
      store(c, v, left);
    }
}

}  // namespace
}  // namespace bfloat16

void bfloat16_gemm(Bfloat16Unit unit, const Product<float>& q) {
  using namespace bfloat16;
  if (q.m <= 0 || q.n <= 0) return;
  const int64_t steps = ceil_div(larger(0, q.k), step), rows = ceil_div(q.m, block),
                columns = ceil_div(q.n, block);
  Scratch<uint16_t> left(rows * 2 * steps * tile_numbers),
      right(columns * 2 * steps * tile_numbers);
  lay_out(true, !q.a.transposed, q.a, q.m, q.k, left.data());
  lay_out(false, q.b.transposed, q.b, q.n, q.k, right.data());
  const int64_t grain = ceil_div(64, steps + 1);
  parallel_for(rows * columns, grain, [&](int64_t begin, int64_t end) {
    alignas(64) float sums[block * block];
    const Multiplier multiply(unit);
    for (int64_t item = begin; item < end; ++item) {
      const int64_t i = item / columns, j = item % columns;
      const auto tiles = [&](const Scratch<uint16_t>& factor, int64_t number) {
        const uint16_t* first = factor.data() + 2 * number * steps * tile_numbers;
        return Tiles{.tile = {first, first + steps * tile_numbers}, .step_numbers = tile_numbers};
      };
      multiply({.steps = steps,
                .left = tiles(left, i),
                .right = tiles(right, j),
                .c = Corner::of(sums, block)});
      write(q, i * block, j * block, sums);
    }
  });
}

}  // namespace hebb::cpu::HEBB_ISA
