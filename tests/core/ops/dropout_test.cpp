#include "core/ops/dropout.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/reduce.hpp"
#include "core/random.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/values.hpp"

namespace hebb {

using test::Floats;

TEST_CASE("dropout drops a share p and keeps the mean", "[core][ops]") {
  Generator generator(9);
  constexpr int64_t n = 200000;
  for (const double p : {0.1, 0.5, 0.9}) {
    Tensor x = Tensor::ones({n}).set_requires_grad();
    const Tensor y = dropout(x, p, generator);
    const Floats values = y.to_vector<float>();
    const auto dropped = std::count(values.begin(), values.end(), 0.0f);
    const auto kept = std::count(values.begin(), values.end(), float(1 / (1 - p)));
    CHECK(dropped + kept == n);
    CHECK(double(dropped) / n == Approx(p).margin(4 * std::sqrt(p * (1 - p) / n)));
    sum(y).backward();
    CHECK(x.grad().to_vector<float>() == y.to_vector<float>());  // the same mask, for x = 1
  }
}

TEST_CASE("dropout depends on the generator's state alone", "[core][ops]") {
  const Tensor x = Tensor::ones({100});
  Generator a(1), b(1);
  const Floats first = dropout(x, 0.5, a).to_vector<float>();
  CHECK(dropout(x, 0.5, b).to_vector<float>() == first);
  CHECK(dropout(x, 0.5, a).to_vector<float>() != first);
  CHECK(a.state().offset == 50);
  CHECK(dropout(x, 0, a).data() == x.data());
  CHECK(a.state().offset == 50);
}

}  // namespace hebb
