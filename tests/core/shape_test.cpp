#include "core/shape.hpp"

#include "core/error.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {
constexpr int64_t huge = int64_t(1) << 40;
}

TEST_CASE("a shape knows its extents", "[core]") {
  const Shape shape{2, 3, 5};
  CHECK(shape.rank() == 3);
  CHECK(shape.numel() == 30);
  CHECK(shape[0] == 2);
  CHECK(shape[-1] == 5);
  CHECK(shape.to_string() == "[2, 3, 5]");
  CHECK(shape.product(1, 3) == 15);
  CHECK(shape.with(-1, 7) == Shape{2, 3, 7});
  CHECK(shape.without(1) == Shape{2, 5});
  CHECK(shape.without(-1) == Shape{2, 3});
  CHECK(shape.inserted(0, 4) == Shape{4, 2, 3, 5});
  CHECK(shape.inserted(3, 4) == Shape{2, 3, 5, 4});
  CHECK(shape != Shape{2, 3});
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{}.to_string() == "[]");
  CHECK(Shape{4, 0, 3}.numel() == 0);
}

TEST_CASE("a shape refuses what no memory can hold", "[core]") {
  CHECK_THROWS_AS((Shape{3, -1}), ShapeError);
  CHECK_THROWS_AS((Shape{huge, huge}), ShapeError);
  CHECK_THROWS_AS((Shape{huge, huge, 0}), ShapeError);  // or a later product of extents overflows
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1, 1, 1, 1}.inserted(0, 1)), ShapeError);
  CHECK_THROWS_AS(checked_multiply(huge, huge, "here"), ShapeError);
  CHECK(checked_multiply(huge, 8, "here") == huge * 8);
  CHECK_THROWS_WITH((Shape{2, 3}).axis(2, "here"),
                    "[here] expected an axis in [-2, 2) for shape [2, 3], got 2");
  CHECK(Shape{2, 3}.axis(-2, "here") == 0);
}

TEST_CASE("shapes broadcast as in NumPy", "[core]") {
  CHECK(broadcast({2, 3}, {3}, "here") == Shape{2, 3});
  CHECK(broadcast({2, 1}, {1, 3}, "here") == Shape{2, 3});
  CHECK(broadcast({}, {2, 3}, "here") == Shape{2, 3});
  CHECK(broadcast({5, 1, 3}, {4, 1}, "here") == Shape{5, 4, 3});
  CHECK(broadcast({0, 3}, {1, 3}, "here") == Shape{0, 3});
  CHECK_THROWS_WITH(broadcast({2, 3}, {2}, "here"),
                    "[here] expected shapes that broadcast, got [2, 3] and [2]");
}

}  // namespace hebb
