#include "core/cpu/simd/copy.hpp"

#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::random_numbers;

TEMPLATE_TEST_CASE("transpose_copy takes every shape and touches nothing else", "[simd]", float,
                   double) {
  using T = TestType;
  for (const int64_t rows : {1, 2, 5, 8, 16, 33})
    for (const int64_t columns : {1, 3, 8, 16, 31}) {
      INFO(rows << " x " << columns);
      const int64_t stride = columns + 2, to_stride = rows + 1;
      const auto from = random_numbers<T>(rows * stride, 1);
      std::vector<T> to(columns * to_stride, T(7)), expected = to;
      for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < columns; ++j) expected[j * to_stride + i] = from[i * stride + j];
      transpose_copy(rows, columns, from.data(), stride, to.data(), to_stride);
      CHECK(to == expected);
      std::vector<T> row(columns + 1, T(7));
      copy_row(columns, from.data(), row.data());
      CHECK(std::equal(from.begin(), from.begin() + columns, row.begin()));
      CHECK(row[columns] == T(7));
    }
}

TEST_CASE("rows stored in order have their elements, and what is behind the end stays", "[simd]") {
  constexpr int64_t lanes = Vec<float>::lanes, rows = 3;
  for (int64_t width = 1; width <= lanes; ++width) {
    INFO(width);
    const auto from = random_numbers<float>(rows * lanes, 1);
    std::vector<float> to(rows * width + lanes, 7.0f), expected = to;
    for (int64_t r = 0; r < rows; ++r) {
      store_in_order(to.data() + r * width, load(from.data() + r * lanes), width,
                     to.data() + rows * width);
      std::copy_n(from.data() + r * lanes, width, expected.data() + r * width);
    }
    CHECK(to == expected);
  }
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
