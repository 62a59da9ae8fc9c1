#include "core/cpu/simd/vector.hpp"

#include "tests/catch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

TEMPLATE_TEST_CASE("partial vectors touch only their elements", "[simd]", float, double) {
  using T = TestType;
  constexpr int64_t lanes = Vec<T>::lanes;
  T from[lanes];
  for (int64_t i = 0; i < lanes; ++i) from[i] = T(i + 1);
  for (int64_t n = 0; n <= lanes; ++n) {
    const Vec<T> x = load(from, n);
    CHECK(sum(x) == T(n * (n + 1) / 2));
    T to[lanes] = {};
    store(to, Vec<T>(T(-1)), n);
    for (int64_t i = 0; i < lanes; ++i) CHECK(to[i] == (i < n ? T(-1) : T(0)));
  }
}

TEMPLATE_TEST_CASE("lanes are folded, transposed and dealt out", "[simd]", float, double) {
  using T = TestType;
  using V = Vec<T>;
  constexpr int64_t lanes = V::lanes;
  T numbers[2 * lanes];
  for (int64_t i = 0; i < 2 * lanes; ++i) numbers[i] = T(i);
  const V a = load(numbers), b = load(numbers + lanes);
  CHECK(sum(a) == T(lanes * (lanes - 1) / 2));
  CHECK(fold_lanes(a, [](V x, V y) { return max(x, y); }) == T(lanes - 1));
  CHECK(max_lane(a) == T(lanes - 1));
  V even, odd, first, second;
  split_pairs(a, b, even, odd);
  join_pairs(even, odd, first, second);
  for (int64_t i = 0; i < lanes; ++i) {
    CHECK(even[i] == T(2 * i));
    CHECK(odd[i] == T(2 * i + 1));
    CHECK(first[i] == a[i]);
    CHECK(second[i] == b[i]);
  }
  V square[lanes];
  for (int64_t r = 0; r < lanes; ++r) square[r] = a + V(T(100 * r));
  transpose(square);
  for (int64_t r = 0; r < lanes; ++r)
    for (int64_t c = 0; c < lanes; ++c) CHECK(square[r][c] == T(100 * c + r));
}

TEST_CASE("lanes of one vector are put into another", "[simd]") {
  using V = Vec<float>;
  constexpr int64_t lanes = V::lanes;
  float numbers[2 * lanes];
  for (int64_t i = 0; i < 2 * lanes; ++i) numbers[i] = float(i);
  const V a = load(numbers), b = load(numbers + lanes);
  for (int64_t shift = 0; shift < lanes; ++shift)
    for (int64_t kept = 0; kept <= lanes; ++kept) {
      V::Mask index;
      for (int64_t i = 0; i < lanes; ++i)
        index[i] = int(i < kept ? i : lanes + (i + shift) % lanes);
      const V c = insert_lanes(a, index, b);
      for (int64_t i = 0; i < lanes; ++i) CHECK(c[i] == float(index[i]));
    }
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
