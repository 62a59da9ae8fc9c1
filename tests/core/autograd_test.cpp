#include "core/autograd.hpp"

#include <cmath>
#include <thread>

#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

Tensor leaf(std::vector<float> values) {
  const int64_t n = int64_t(values.size());
  return Tensor::from(values, {n}).set_requires_grad();
}

std::vector<float> grad_of(const Tensor& x) { return x.grad().to_vector<float>(); }

}  // namespace

using Values = std::vector<float>;

TEST_CASE("a tensor that is used twice gets the sum", "[core]") {
  const Tensor x = leaf({2, 3});
  sum(x * x + x).backward();
  CHECK(grad_of(x) == Values{5, 7});
}

TEST_CASE("shared parts of a graph are passed once, after all their uses", "[core]") {
  const Tensor x = leaf({2});
  const Tensor a = square(x);     // 4
  const Tensor b = a * a;         // x⁴
  const Tensor c = a + b;         // used below and above
  sum(c * b + c + a).backward();  // x⁸ + x⁶ + x⁴ + 2 x²
  CHECK(grad_of(x) == Values{8 * 128 + 6 * 32 + 4 * 8 + 4 * 2});
}

TEST_CASE("gradients accumulate over backward calls until they are cleared", "[core]") {
  const Tensor x = leaf({1, 2});
  sum(square(x)).backward();
  sum(square(x)).backward();
  CHECK(grad_of(x) == Values{4, 8});
  x.zero_grad();
  CHECK(!x.grad().defined());
  sum(square(x)).backward();
  CHECK(grad_of(x) == Values{2, 4});
}

TEST_CASE("backward frees the graph unless it is told to keep it", "[core]") {
  const Tensor x = leaf({3});
  const Tensor y = square(x);
  const Tensor loss = sum(y);
  loss.backward(true);
  loss.backward();
  CHECK(grad_of(x) == Values{12});
  CHECK_THROWS_WITH(loss.backward(),
                    "[backward] sum was freed by an earlier backward; give that one retain_graph");
  CHECK_THROWS_AS(sum(y * 2).backward(), ValueError);
}

TEST_CASE("what backward frees, it frees at once", "[core]") {
  const Tensor x = leaf(Values(1 << 20, 0.5f));
  const int64_t before = memory_stats().bytes_in_use;
  {
    const Tensor loss = sum(tanh(tanh(tanh(x))));
    CHECK(memory_stats().bytes_in_use - before >= 3 * (4 << 20));
    loss.backward();
    CHECK(memory_stats().bytes_in_use - before < (4 << 20) + 4096);  // x's gradient
  }
  const int64_t with_grad = memory_stats().bytes_in_use;
  { const Tensor unused = sum(tanh(tanh(x))); }  // a graph that nobody passes
  CHECK(memory_stats().bytes_in_use == with_grad);
}

TEST_CASE("no_grad records nothing", "[core]") {
  const Tensor x = leaf({1, 2});
  CHECK(grad_enabled());
  {
    const NoGrad outer;
    {
      const NoGrad inner;
      CHECK(!square(x).requires_grad());
    }
    CHECK(!grad_enabled());
    CHECK(!sum(x).requires_grad());
    std::thread([] { CHECK(grad_enabled()); }).join();
  }
  CHECK(square(x).requires_grad());
  CHECK_THROWS_AS(sum(Tensor::ones({2})).backward(), ValueError);
  CHECK_THROWS_AS(sum(square(x).detach()).backward(), ValueError);
}

TEST_CASE("only leaves ask for gradients", "[core]") {
  Tensor x = leaf({1, 2});
  Tensor y = x * 2;
  CHECK_THROWS_WITH(y.set_requires_grad(),
                    "[requires_grad] expected a leaf, got the result of affine");
  CHECK_THROWS_AS(Tensor::ones({1}, {DType::int64}).set_requires_grad(), DTypeError);
  sum(y).backward();
  CHECK(!y.grad().defined());
  x.zero_grad();
  Tensor detached = y.detach().set_requires_grad();
  sum(square(detached)).backward();
  CHECK(!x.grad().defined());
  CHECK(grad_of(detached) == Values{4, 8});
}

TEST_CASE("a leaf can be its own result", "[core]") {
  const Tensor x = Tensor::scalar(3).set_requires_grad();
  x.backward();
  x.backward();
  CHECK(x.grad().item() == 2);
}

TEST_CASE("backward checks the gradient that it is given", "[core]") {
  const Tensor x = leaf({1, 2});
  CHECK_THROWS_WITH((x * 2).backward(), "[backward] expected one element, got float32 [2] on cpu");
  CHECK_THROWS_AS(backward(x * 2, Tensor::ones({3})), ShapeError);
  CHECK_THROWS_AS(backward(x * 2, Tensor::ones({2}, {DType::float64})), DTypeError);
  CHECK_THROWS_AS(x.set_grad(Tensor::ones({3})), ShapeError);
}

TEST_CASE("gradients of leaves are memory of their own", "[core]") {
  const Tensor a = leaf({1, 2}), b = leaf({3, 4}), c = leaf({5, 6});
  const Tensor dy = Tensor::ones({2});
  backward(a + b + c.reshape({2, 1}).reshape({2}), dy);
  a.grad().fill(7);
  b.grad().fill(8);
  c.grad().fill(9);
  CHECK(dy.to_vector<float>() == Values{1, 1});
  CHECK(grad_of(a) == Values{7, 7});
  CHECK(grad_of(b) == Values{8, 8});
}

TEST_CASE("a gradient that several places see is not changed in place", "[core]") {
  const Tensor x = leaf({1, 2});
  const Tensor y = x + 1.0;
  const Tensor dy = Tensor::ones({2});
  backward(y + y * 3.0 + y, dy);  // dy itself arrives at y twice
  CHECK(grad_of(x) == Values{5, 5});
  CHECK(dy.to_vector<float>() == Values{1, 1});
}

TEST_CASE("retained graphs keep what they have saved", "[core]") {
  const Tensor logits = Tensor::from(Values{1, 2, 0.5f, -1}, {2, 2}).set_requires_grad();
  const Tensor labels = Tensor::from(std::vector<int64_t>{0, 1}, {2});
  const Tensor loss = cross_entropy(logits, labels);
  loss.backward(true);
  const Values once = grad_of(logits);
  loss.backward(true);  // adds in place to the first gradient, which the node must not own
  loss.backward();
  for (size_t i = 0; i < once.size(); ++i)
    CHECK(grad_of(logits)[i] == Approx(3 * once[i]).epsilon(1e-6));
}

TEST_CASE("chains of 100,000 operations need no deep stack", "[core]") {
  constexpr int length = 100000;
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < length; ++i) y = y + 0.0;
  SECTION("passed and freed") {
    sum(y).backward();
    CHECK(grad_of(x) == Values{1});
  }
  SECTION("passed and kept, then dropped") {
    sum(y).backward(true);
    CHECK(grad_of(x) == Values{1});
  }
  SECTION("dropped") {
    y = Tensor();
    CHECK(!x.grad().defined());
  }
}

TEST_CASE("wide graphs need one pass", "[core]") {
  const Tensor x = leaf({1});
  Tensor y = x;
  for (int i = 0; i < 60; ++i) y = (y + y) * 0.5;  // 2^60 paths
  sum(y).backward();
  CHECK(grad_of(x) == Values{1});
}

TEST_CASE("an error inside backward leaves no half-done graph behind", "[core]") {
  const Tensor x = leaf({1, 2});
  const Tensor broken = record("broken", Tensor::ones({2}), {x},
                               [](const Tensor&) { return Grads{Tensor::ones({3})}; });
  CHECK_THROWS_WITH(sum(broken).backward(),
                    "[backward] expected a gradient of shape [2] from broken, got [3]");
  CHECK(!x.grad().defined());
  const Tensor wide = record("wide", Tensor::ones({2}), {x},
                             [](const Tensor& dy) { return Grads{dy.to(DType::float64)}; });
  CHECK_THROWS_WITH(sum(wide).backward(),
                    "[backward] expected a gradient of float32 from wide, got float64");
  const Tensor mute = record("mute", Tensor::ones({2}), {x}, [](const Tensor&) { return Grads{}; });
  CHECK_THROWS_AS(sum(mute).backward(), ShapeError);
  sum(square(x)).backward();
  CHECK(grad_of(x) == Values{2, 4});
}

TEST_CASE("an operation of one's own takes its place in the graph", "[core]") {
  const Tensor x = leaf({1, 2});
  const Tensor y =
      record("cube", square(x.detach()) * x.detach(), {x},
             [x = x.detach()](const Tensor& dy) { return Grads{dy * square(x) * 3.0}; });
  sum(y * 2.0).backward();
  CHECK(grad_of(x) == Values{6, 24});
}

TEST_CASE("graphs of several threads do not meet", "[core]") {
  const Tensor shared = Tensor::ones({4});
  std::vector<double> results(4);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        Tensor x = Tensor::full({4}, t).set_requires_grad();
        sum(square(x * shared) + x).backward();
        results[size_t(t)] = x.grad().host<float>()[0];
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) CHECK(results[size_t(t)] == 2 * t + 1);
}

TEST_CASE("gradcheck finds a wrong gradient", "[core]") {
  const Tensor x = Tensor::from(std::vector<double>{0.5, 1.5, -2}, {3}).set_requires_grad();
  const auto cube = [](double factor) {
    return [factor](std::span<const Tensor> in) {
      const Tensor raw = in[0].detach();
      return record("cube", square(raw) * raw, {in[0]},
                    [raw, factor](const Tensor& dy) { return Grads{dy * square(raw) * factor}; });
    };
  };
  CHECK(gradcheck(cube(3), std::span(&x, 1)));
  const GradcheckResult wrong = gradcheck(cube(3.01), std::span(&x, 1));
  CHECK(!wrong);
  CHECK(wrong.message.starts_with("input 0, element 0: gradient "));
  CHECK(wrong.worst_error > 0.01);
  const Tensor narrow = leaf({1});
  CHECK_THROWS_AS(gradcheck(cube(3), std::span(&narrow, 1)), DTypeError);
  CHECK(!x.grad().defined());
}

TEST_CASE("gradcheck of some elements looks along a direction as well", "[core]") {
  const int64_t n = 5000, wrong_element = 1234;
  const Tensor x = Tensor::ones({n}, {DType::float64}).set_requires_grad();
  int64_t calls = 0;
  const auto with_error = [&](double error) {
    return [&calls, error](std::span<const Tensor> in) {
      ++calls;
      const Tensor raw = in[0].detach();
      return record("square", square(raw), {in[0]}, [raw, error](const Tensor& dy) {
        std::vector<double> dx = (dy * raw * 2).to_vector<double>();
        dx[wrong_element] *= 1 + error;
        return Grads{Tensor::from(dx, {n})};
      });
    };
  };
  const GradcheckOptions options{.max_elements = 20};
  CHECK(gradcheck(with_error(0), std::span(&x, 1), options));
  CHECK(calls == 1 + 2 * 20 + 2);
  const GradcheckResult wrong = gradcheck(with_error(1), std::span(&x, 1), options);
  CHECK(!wrong);
  CHECK(wrong.message.starts_with("input 0, a direction: gradient "));
}

TEST_CASE("an observer is told of each leaf once, when nothing more arrives in it", "[core]") {
  const Tensor early = leaf({2}), late = leaf({3}), twice = leaf({5}), other = leaf({7});
  std::vector<std::pair<const Tensor::Body*, float>> told;
  {
    const LeafObserver observer([&](const Tensor& x) {
      told.emplace_back(x.body(), x.grad().defined() ? x.grad().to_vector<float>()[0] : 0);
    });
    // Backward goes from the last product to the first: `twice` is complete after `late`'s.
    const Tensor first = twice * late;
    sum(early * (first + twice)).backward();
  }
  REQUIRE(told.size() == 3);
  CHECK(told[0] == std::pair<const Tensor::Body*, float>{early.body(), 20});
  const std::vector rest(told.begin() + 1, told.end());
  CHECK(std::ranges::count(rest, std::pair<const Tensor::Body*, float>{late.body(), 10}) == 1);
  CHECK(std::ranges::count(rest, std::pair<const Tensor::Body*, float>{twice.body(), 8}) == 1);

  sum(other * other).backward();  // nobody looks any more
  CHECK(told.size() == 3);
}

TEST_CASE("observers see passes of their own thread, the innermost of them, and kept graphs",
          "[core]") {
  const Tensor x = leaf({2});
  int outer = 0, inner = 0;
  const LeafObserver a([&](const Tensor&) { ++outer; });
  {
    const LeafObserver b([&](const Tensor&) { ++inner; });
    const Tensor y = sum(x * x);
    backward(y, Tensor::ones({}), true);
    y.backward();
    std::thread([&] { sum(x * x).backward(); }).join();
  }
  CHECK(inner == 2);
  CHECK(outer == 0);
  Tensor alone = Tensor::scalar(3).set_requires_grad();
  alone.backward();
  CHECK(outer == 1);
  const LeafObserver c([](const Tensor&) { throw ValueError("enough"); });
  CHECK_THROWS_WITH(sum(x * x).backward(), "enough");
}

}  // namespace hebb
