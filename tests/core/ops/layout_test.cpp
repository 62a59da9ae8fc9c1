#include "core/ops/layout.hpp"

#include "core/ops/reduce.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using namespace test;

TEST_CASE("negative indices count from the end", "[core][ops]") {
  const auto indices = [](const std::vector<int64_t>& values, const Shape& shape) {
    return Tensor::from(values, shape);
  };
  Tensor x = Tensor::from(Floats{1, 2, 3, 4, 5, 6}, {2, 3}).set_requires_grad();
  const Tensor rows = gather_rows(x, indices({-1, 0, 1}, {3}));
  CHECK(rows.to_vector<float>() == Floats{4, 5, 6, 1, 2, 3, 4, 5, 6});
  const Tensor columns = index_select(x, 1, indices({-1, -3}, {2}));
  CHECK(columns.to_vector<float>() == Floats{3, 1, 6, 4});
  const Tensor elements = gather(x, -1, indices({-1, 2, 0, -2}, {2, 2}));
  CHECK(elements.to_vector<float>() == Floats{3, 3, 4, 5});
  sum(rows).backward();
  CHECK(x.grad().to_vector<float>() == Floats{1, 1, 1, 2, 2, 2});
  x.zero_grad();
  sum(columns).backward();
  CHECK(x.grad().to_vector<float>() == Floats{1, 0, 1, 1, 0, 1});
  x.zero_grad();
  sum(elements).backward();
  CHECK(x.grad().to_vector<float>() == Floats{0, 0, 2, 1, 1, 0});
}

}  // namespace hebb
