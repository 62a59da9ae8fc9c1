#include "core/ops/dropout.hpp"

#include <algorithm>
#include <cmath>

#include "core/ops/fill.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/reduce.hpp"
#include "core/random.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/table.hpp"
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

TEST_CASE("dropout and fillings draw the same words from a base in memory", "[core][ops]") {
  const Device device = test::test_device();
  const auto draw = [&](Generator& generator) {
    const Tensor u = Tensor::empty({333}, {.device = device}),
                 n = Tensor::empty({333}, u.options()), t = Tensor::empty({333}, u.options());
    fill_uniform(u, 0, 1, generator);
    fill_normal(n, 0, 1, generator);
    fill_truncated_normal(t, 1, 2, generator);
    const Tensor x = Tensor::ones({333}, u.options()).set_requires_grad();
    const Tensor y = dropout(x, 0.3, generator);
    sum(y).backward();
    return concat(std::vector<Tensor>{u, n, t, y.detach(), x.grad()}).to_vector<float>();
  };
  Generator plain(7), based(7);
  for (Generator* generator : {&plain, &based}) generator->reserve(1000);
  const Tensor base = Tensor::from<int64_t>({250}, {}, device);
  CHECK(based.state().offset == 250);
  based.set_base(static_cast<const uint64_t*>(base.data()));
  CHECK(draw(based) == draw(plain));
  // What is told the same again draws what comes next, once the base has moved on.
  const uint64_t used = plain.state().offset - 250;
  based.set_state({7, 0, 250});
  based.set_base(static_cast<const uint64_t*>(base.data()));
  base.fill(double(250 + used));
  CHECK(draw(based) == draw(plain));
}

TEST_CASE("rows of a batch get the words that the batch gives them", "[core][ops]") {
  // Rows of 7 elements begin anywhere in a block of four words.
  const Tensor x = Tensor::ones({6, 7});
  Generator whole(3);
  const Floats mask = dropout(x, 0.4, whole).to_vector<float>();
  for (int64_t begin = 0; begin < 6; ++begin) {
    CAPTURE(begin);
    Generator part(3);
    Tensor rows = x.slice(begin, 6).clone().set_requires_grad();
    const Tensor y = dropout(rows, 0.4, part, {.first = begin, .total = 6});
    CHECK(y.to_vector<float>() == Floats(mask.begin() + begin * 7, mask.end()));
    CHECK(part.state() == whole.state());
    sum(y).backward();
    CHECK(rows.grad().to_vector<float>() == y.to_vector<float>());
  }
  CHECK_THROWS_AS(dropout(x, 0.4, whole, {.first = 1, .total = 6}), ValueError);
}

}  // namespace hebb
