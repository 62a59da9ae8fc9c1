#include "core/cpu/simd/amx.hpp"

#include <cmath>
#include <random>
#include <vector>

#include "tests/catch.hpp"

namespace hebb::cpu::HEBB_ISA::amx {
namespace {

/// Numbers of both signs and of magnitudes from 1e-3 to 1e3.
std::vector<float> numbers(int64_t n, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> result(static_cast<size_t>(n));
  for (float& x : result) x = normal(engine) * std::exp(normal(engine) * 2);
  return result;
}

constexpr int64_t rows = 64, depth = 96, columns = 96;

struct Matrices {
  std::vector<float> a = numbers(rows * depth, 1), b = numbers(depth * columns, 2);

  /// What an element may be away from the product, of which it is only given steps from `first` on:
  /// each of its terms by 3 · 2⁻¹⁸, and the additions by float32's rounding.
  void check(const std::vector<float>& c, int64_t i, int64_t j, int64_t first, int64_t count,
             double before) const {
    double sum = before, size = std::abs(before);
    for (int64_t p = first; p < first + count; ++p) {
      const double term = double(a[i * depth + p]) * double(b[p * columns + j]);
      sum += term;
      size += std::abs(term);
    }
    INFO("row " << i << ", column " << j);
    CHECK(std::abs(double(c[i * columns + j]) - sum) <=
          size * (std::ldexp(3, -18) + double(count) * std::ldexp(1, -24)));
  }
};

}  // namespace

TEST_CASE("Products on tiles are within their error bound", "[amx]") {
  const Matrices m;
  const Tiles tiles;
  const Factor left(rows, depth), right(columns, depth);
  for (int64_t i = 0; i < rows; i += side)
    split_columns(m.a.data() + i * depth, depth, left, i / side);
  for (int64_t t = 0; t < depth / step; ++t)
    split_rows(columns, m.b.data() + t * step * columns, columns, right, t);

  std::vector<float> c(rows * columns, 5);
  for (int64_t i = 0; i < rows; i += block)
    for (int64_t j = 0; j < columns; j += block)
      multiply<false>(depth / step, left, i / side, 0, right, j / side, c.data() + i * columns + j,
                      columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) m.check(c, i, j, 0, depth, 0);

  SECTION("a step added to what is there") {
    const Factor last(columns, step);
    split_rows(columns, m.b.data() + 2 * step * columns, columns, last, 0);
    std::vector<float> sum(rows * columns, 5);
    multiply<true>(1, left, 2, 2, last, 4, sum.data() + block * columns + 2 * block, columns);
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        if (i >= block && j >= 2 * block)
          m.check(sum, i, j, 2 * step, step, 5);
        else
          CHECK(sum[i * columns + j] == 5);
  }
  SECTION("a right factor's tiles transposed are its transpose's as a left factor") {
    std::vector<float> transpose(columns * depth);
    for (int64_t p = 0; p < depth; ++p)
      for (int64_t j = 0; j < columns; ++j) transpose[j * depth + p] = m.b[p * columns + j];
    const Factor expected(columns, depth), got(columns, depth);
    for (int64_t j = 0; j < columns / side; ++j) {
      split_columns(transpose.data() + j * side * depth, depth, expected, j);
      for (int64_t t = 0; t < depth / step; ++t) {
        transpose_tiles(right.tiles(j, t), got.tiles(j, t));
        CHECK(std::equal(got.tiles(j, t), got.tiles(j, t) + Factor::tiles_words,
                         expected.tiles(j, t)));
      }
    }
  }
}

TEST_CASE("What is not finite on tiles stays so", "[amx]") {
  const Tiles tiles;
  for (const float x : {INFINITY, -INFINITY, NAN}) {
    std::vector<float> a(block * step, 1), c(block * block);
    a[3 * step + 7] = x;
    const Factor left(block, step), right(block, step);
    for (int64_t i = 0; i < block; i += side)
      split_columns(a.data() + i * step, step, left, i / side);
    const std::vector<float> ones(step * block, 1);
    split_rows(block, ones.data(), block, right, 0);
    multiply<false>(1, left, 0, 0, right, 0, c.data(), block);
    for (int64_t i = 0; i < block * block; ++i) CHECK(std::isfinite(c[i]) == (i / block != 3));
  }
}

}  // namespace hebb::cpu::HEBB_ISA::amx
