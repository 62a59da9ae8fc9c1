#include "core/ops/ops.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/parallel.hpp"
#include "tests/catch.hpp"

// What the table of operations cannot say: operators, limits of the numbers, statistics, and work
// that is not done.
namespace hebb {
namespace {

using Values = std::vector<float>;
constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

Tensor vector_of(const Values& values) { return Tensor::from(values, {int64_t(values.size())}); }

}  // namespace

TEST_CASE("operators are the operations", "[core][ops]") {
  const Tensor a = vector_of({6, 8}), b = vector_of({2, -4});
  CHECK((a + b).to_vector<float>() == Values{8, 4});
  CHECK((a - b).to_vector<float>() == Values{4, 12});
  CHECK((a * b).to_vector<float>() == Values{12, -32});
  CHECK((a / b).to_vector<float>() == Values{3, -2});
  CHECK((a + 1.0).to_vector<float>() == Values{7, 9});
  CHECK((1.0 + a).to_vector<float>() == Values{7, 9});
  CHECK((a - 1.0).to_vector<float>() == Values{5, 7});
  CHECK((1.0 - a).to_vector<float>() == Values{-5, -7});
  CHECK((a * 0.5).to_vector<float>() == Values{3, 4});
  CHECK((0.5 * a).to_vector<float>() == Values{3, 4});
  CHECK((a / 2.0).to_vector<float>() == Values{3, 4});
  CHECK((-a).to_vector<float>() == Values{-6, -8});
}

TEST_CASE("kinks have the gradient 0", "[core][ops]") {
  for (const auto& f : {abs, relu}) {
    Tensor x = vector_of({-2, 0, 3}).set_requires_grad();
    sum(f(x)).backward();
    CHECK(x.grad().host<float>()[1] == 0);
    CHECK(x.grad().host<float>()[2] == 1);
  }
  Tensor x = vector_of({-2, 0, 3}).set_requires_grad();
  sum_abs(x).backward();
  CHECK(x.grad().to_vector<float>() == Values{-1, 0, 1});
}

TEST_CASE("gradients of a maximum go to the first of equals", "[core][ops]") {
  Tensor x = Tensor::from(Values{1, 3, 3, 2, 2, 2}, {2, 3}).set_requires_grad();
  sum(max(x, 1)).backward();
  CHECK(x.grad().to_vector<float>() == Values{0, 1, 0, 1, 0, 0});
  Tensor image = Tensor::ones({1, 1, 4, 4}).set_requires_grad();
  sum(max_pool2d(image)).backward();
  CHECK(image.grad().to_vector<float>() == Values{1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0});
  // With overlapping windows one element can win several times.
  Tensor peak = Tensor::zeros({1, 1, 3, 3});
  peak.host<float>()[4] = 1;
  peak.set_requires_grad();
  sum(max_pool2d(peak, {.stride_h = 1, .stride_w = 1})).backward();
  CHECK(peak.grad().host<float>()[4] == 4);
}

TEST_CASE("NaN wins every maximum", "[core][ops]") {
  // At every place, so that each lane of a vector unit is met.
  for (int i = 0; i < 40; ++i) {
    Values values(40, 1);
    values[size_t(i)] = nan;
    const Tensor x = vector_of(values);
    CHECK(std::isnan(max(x, 0).item()));
    CHECK(argmax(x, 0).item() == i);
    CHECK(std::isnan(max(x.reshape({1, 40}), 1).item()));
    CHECK(std::isnan(max(x.reshape({40, 1}), 0).item()));
    const Tensor pooled = max_pool2d(x.reshape({1, 1, 4, 10}));
    int found = 0;
    for (const float value : pooled.to_vector<float>()) found += std::isnan(value);
    CHECK(found == 1);
  }
  CHECK(max(vector_of({-infinity, -infinity}), 0).item() == -infinity);
}

TEST_CASE("elementwise functions keep their limits", "[core][ops]") {
  // Long enough for whole vectors and a rest.
  for (const int n : {1, 7, 16, 37}) {
    const auto filled = [&](float value) { return vector_of(Values(size_t(n), value)); };
    const auto all = [&](const Tensor& x, double expected) {
      for (const float value : x.to_vector<float>()) {
        if (std::isnan(expected))
          CHECK(std::isnan(value));
        else
          CHECK(double(value) == expected);
      }
    };
    all(exp(filled(-infinity)), 0);
    all(exp(filled(-200)), 0);
    all(exp(filled(200)), infinity);
    all(exp(filled(0)), 1);
    all(exp(filled(nan)), nan);
    all(log(filled(0)), -infinity);
    all(log(filled(-1)), nan);
    all(log(filled(infinity)), infinity);
    all(log(filled(1)), 0);
    all(sqrt(filled(-1)), nan);
    all(sqrt(filled(0)), 0);
    all(tanh(filled(100)), 1);
    all(tanh(filled(-infinity)), -1);
    all(tanh(filled(nan)), nan);
    all(sigmoid(filled(200)), 1);
    all(sigmoid(filled(-200)), 0);
    all(sigmoid(filled(nan)), nan);
    all(relu(filled(nan)), nan);
    all(relu(filled(infinity)), infinity);
    all(relu(filled(-infinity)), 0);
    all(abs(filled(-infinity)), infinity);
  }
}

TEST_CASE("elementwise functions are exact over their range", "[core][ops]") {
  const auto worst = [](Tensor (*f)(const Tensor&), double (*exact)(double), float from, float to) {
    constexpr int n = 20001;
    Values values(n);
    for (int i = 0; i < n; ++i) values[size_t(i)] = from + (to - from) * float(i) / float(n - 1);
    const Values y = f(vector_of(values)).to_vector<float>();
    double error = 0;
    for (size_t i = 0; i < n; ++i) {
      const double expected = exact(double(values[i]));
      if (std::abs(expected) < std::numeric_limits<float>::min()) continue;  // flushed
      error = std::max(error, std::abs(double(y[i]) - expected) / std::abs(expected));
    }
    return error;
  };
  CHECK(worst(exp, std::exp, -87, 88) < 4e-7);
  CHECK(worst(log, std::log, 1e-3f, 1e3f) < 4e-7);
  CHECK(worst(tanh, std::tanh, -12, 12) < 1e-6);
  CHECK(worst(tanh, std::tanh, -1e-3f, 1e-3f) < 1e-6);
  CHECK(worst(
            sigmoid, [](double x) { return 1 / (1 + std::exp(-x)); }, -80, 80) < 1e-6);
  CHECK(worst(sqrt, std::sqrt, 0, 1e6f) < 1e-7);
}

TEST_CASE("softmax and its losses do not overflow", "[core][ops]") {
  const Tensor logits = Tensor::from(Values{1e4f, 0, -1e4f, 1e4f}, {2, 2});
  CHECK(softmax(logits).to_vector<float>() == Values{1, 0, 0, 1});
  CHECK(log_softmax(logits).to_vector<float>() == Values{0, -1e4f, -2e4f, 0});
  const auto loss = [&](std::vector<int64_t> labels) {
    return cross_entropy(logits, Tensor::from(labels, {2})).item();
  };
  CHECK(loss({0, 1}) == 0);
  CHECK(loss({1, 0}) == Approx(1.5e4));
  const Tensor p = softmax(logits);
  CHECK(kl_divergence(p, logits).item() == Approx(0).margin(1e-6));
  CHECK(kl_divergence(p, Tensor::zeros({2, 2})).item() == Approx(std::log(2)));
}

TEST_CASE("cross-entropy against labels is the one against their distributions", "[core][ops]") {
  const Tensor logits = Tensor::from(Values{1, 2, 0.5f, -1, 0, 3}, {2, 3}).set_requires_grad();
  const Tensor labels = Tensor::from(std::vector<int64_t>{2, 0}, {2});
  const Tensor smoothed = Tensor::from(Values{0.1f, 0.1f, 0.8f, 0.8f, 0.1f, 0.1f}, {2, 3});
  const Tensor hard = cross_entropy(logits, labels, {.label_smoothing = 0.3});
  hard.backward();
  const Values from_labels = logits.grad().to_vector<float>();
  logits.zero_grad();
  const Tensor soft = cross_entropy_soft(logits, smoothed);
  soft.backward();
  CHECK(hard.item() == Approx(soft.item()).epsilon(1e-6));
  for (size_t i = 0; i < 6; ++i)
    CHECK(logits.grad().host<float>()[i] == Approx(from_labels[i]).margin(1e-6));
}

TEST_CASE("dropout drops a share p and keeps the mean", "[core][ops]") {
  Generator generator(9);
  constexpr int64_t n = 200000;
  for (const double p : {0.1, 0.5, 0.9}) {
    Tensor x = Tensor::ones({n}).set_requires_grad();
    const Tensor y = dropout(x, p, generator);
    const Values values = y.to_vector<float>();
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
  const Values first = dropout(x, 0.5, a).to_vector<float>();
  CHECK(dropout(x, 0.5, b).to_vector<float>() == first);
  CHECK(dropout(x, 0.5, a).to_vector<float>() != first);
  CHECK(a.state().offset == 50);
  CHECK(dropout(x, 0, a).data() == x.data());
  CHECK(a.state().offset == 50);
}

TEST_CASE("running statistics follow the batches, undefined ones are left out", "[core][ops]") {
  const Tensor x = Tensor::from(Values{1, 3, 10, 20}, {2, 1, 1, 2});
  const Tensor one = Tensor::ones({1}), zero = Tensor::zeros({1});
  const Tensor mean_only = Tensor::zeros({1}), variance_only = Tensor::ones({1});
  batch_norm2d(x, one, zero, mean_only, {}, {.momentum = 0.5});
  batch_norm2d(x, one, zero, {}, variance_only, {.momentum = 1});
  CHECK(mean_only.item() == Approx(4.25));
  CHECK(variance_only.item() ==
        Approx((7.5 * 7.5 + 5.5 * 5.5 + 1.5 * 1.5 + 11.5 * 11.5) / 3).epsilon(1e-5));
}

TEST_CASE("batch normalisation survives a large mean", "[core][ops]") {
  Values values(1000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = 10000 + float(i % 10);
  const Tensor y = batch_norm2d(Tensor::from(values, {10, 1, 10, 10}), Tensor::ones({1}),
                                Tensor::zeros({1}), {}, {});
  const Values result = y.to_vector<float>();
  for (size_t i = 0; i < 10; ++i)
    CHECK(result[i] == Approx((double(i) - 4.5) / std::sqrt(8.25)).margin(2e-3));
}

TEST_CASE("sums of many numbers stay exact", "[core][ops]") {
  constexpr int64_t n = 1 << 22;
  CHECK(sum(Tensor::full({n}, 0.1)).item() == Approx(n * double(0.1f)).epsilon(1e-6));
  CHECK(mean(Tensor::full({n, 1}, 0.1), {0}).item() == Approx(double(0.1f)).epsilon(1e-6));
}

TEST_CASE("an operation on one element takes no memory from the system", "[core][ops]") {
  Tensor x = Tensor::ones({1}).set_requires_grad();
  const auto step = [&] {
    x.zero_grad();
    Tensor y = x;
    for (int i = 0; i < 20; ++i) y = tanh(y * y + 1.0);
    sum(y).backward();
  };
  for (int i = 0; i < 3; ++i) step();
  const int64_t taken = memory_stats().system_allocations;
  for (int i = 0; i < 100; ++i) step();
  CHECK(memory_stats().system_allocations == taken);
}

TEST_CASE("linear: columns that are zero in all rows change nothing", "[ops]") {
  // Large enough for the float32 product to leave them out; float64 never does.
  const int64_t rows = 20, inputs = 300, outputs = 70;
  Generator generator(5);
  std::vector<double> pixels(size_t(rows * inputs)), weights(size_t(outputs * inputs));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < inputs; ++j)
      if (j % 28 > 5 && j > 40 && j != 299)
        pixels[size_t(i * inputs + j)] = generator.uniform(-1, 1);
  pixels[3] = -0.0;
  for (double& w : weights) w = generator.uniform(-1, 1);
  const auto run = [&](DType dtype) {
    const Tensor x = Tensor::from(pixels, {rows, inputs}).to(dtype);
    Tensor w = Tensor::from(weights, {outputs, inputs}).to(dtype);
    w.set_requires_grad();
    const Tensor y = linear(x, w);
    sum_square(y).backward();
    return std::pair(y.detach().to(DType::float64).to_vector<double>(),
                     w.grad().to(DType::float64).to_vector<double>());
  };
  const auto [y, dw] = run(DType::float32);
  const auto [y64, dw64] = run(DType::float64);
  for (size_t i = 0; i < y.size(); ++i) CHECK(y[i] == Approx(y64[i]).margin(1e-5));
  for (size_t i = 0; i < dw.size(); ++i) CHECK(dw[i] == Approx(dw64[i]).margin(2e-4));
  for (int64_t j = 0; j < inputs; ++j)
    if (pixels[size_t(j)] == 0) CHECK(dw[size_t(j)] == 0);
}

}  // namespace hebb
