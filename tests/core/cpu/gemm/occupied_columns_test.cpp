#include "core/cpu/gemm/occupied_columns.hpp"

#include <limits>

#include "tests/catch.hpp"
#include "tests/core/cpu/numbers.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using test::random_numbers;

TEST_CASE("columns of zeros are left out and put back", "[gemm]") {
  for (const int64_t rows : {1, 4, 7})
    for (const int64_t columns : {1, 15, 16, 33, 100}) {
      INFO(rows << " x " << columns);
      auto x = random_numbers<float>(rows * columns, 1);
      std::vector<int32_t> occupied;
      for (int64_t j = 0; j < columns; ++j)
        if (j % 3 == 1)
          for (int64_t i = 0; i < rows; ++i) x[i * columns + j] = i % 2 ? -0.0f : 0.0f;
        else
          occupied.push_back(int32_t(j));
      const OccupiedColumns found(rows, columns, x.data());
      REQUIRE(found.count() == int64_t(occupied.size()));
      CHECK(std::equal(occupied.begin(), occupied.end(), found.index()));
      std::vector<float> packed(rows * found.stride()), back(rows * columns + 1, 7);
      found.pack(rows, x.data(), packed.data());
      for (int64_t i = 0; i < rows; ++i)
        for (size_t c = 0; c < occupied.size(); ++c)
          CHECK(packed[i * found.stride() + int64_t(c)] == x[i * columns + occupied[c]]);
      found.unpack(rows, packed.data(), back.data());
      CHECK(std::equal(x.begin(), x.end(), back.begin()));
      CHECK(back.back() == 7);
    }
}

TEST_CASE("one number that is not zero makes a column count", "[gemm]") {
  for (const float number : {1e-45f, -1.0f, std::numeric_limits<float>::quiet_NaN()})
    for (int64_t row = 0; row < 6; ++row) {
      std::vector<float> x(6 * 20);
      x[row * 20 + 17] = number;
      const OccupiedColumns found(6, 20, x.data());
      REQUIRE(found.count() == 1);
      CHECK(found.index()[0] == 17);
    }
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
