#include "core/ops/matmul.hpp"

#include <cmath>
#include <limits>

#include "core/ops/elementwise.hpp"
#include "core/ops/fill.hpp"
#include "core/ops/reduce.hpp"
#include "core/random.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/table.hpp"

namespace hebb {

TEST_CASE("linear: columns that are zero in all rows change nothing", "[core][ops]") {
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

TEST_CASE("linear: a ReLU that it takes along is one that follows, to the bit", "[core][ops]") {
  const auto run = [](bool along, DType dtype) {
    Generator random(8);
    std::vector<Tensor> leaves;
    for (const Shape& shape : {Shape{37, 61}, Shape{53, 61}, Shape{53}}) {
      const Tensor leaf = Tensor::empty(shape);
      fill_normal(leaf, 0, 1, random);
      leaves.push_back(leaf.to(dtype).to(test::test_device()).set_requires_grad());
    }
    const Tensor y = along ? linear(leaves[0], leaves[1], leaves[2], {.relu = true})
                           : relu(linear(leaves[0], leaves[1], leaves[2]));
    sum_square(y).backward();
    std::vector<std::vector<double>> all = {y.detach().to(DType::float64).to_vector<double>()};
    for (const Tensor& leaf : leaves)
      all.push_back(leaf.grad().to(DType::float64).to_vector<double>());
    return all;
  };
  for (const DType dtype : {DType::float32, DType::float64}) {
    const auto along = run(true, dtype), after = run(false, dtype);
    if (test::test_device().is_cpu()) CHECK(along == after);
    for (size_t i = 0; i < along.size(); ++i)
      for (size_t j = 0; j < along[i].size(); ++j)
        if (std::abs(along[i][j] - after[i][j]) > 1e-4 * (1 + std::abs(after[i][j])))
          FAIL_CHECK("result " << i << ", element " << j);
  }
}

TEST_CASE("linear: a ReLU lets NaN through", "[core][ops]") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const Tensor x = Tensor::from(std::vector<float>{1, nan, -1, 1}, {2, 2}).to(test::test_device());
  const Tensor weight = Tensor::ones({1, 2}, x.options()), bias = Tensor::ones({1}, x.options());
  for (const Tensor& shift : {bias, Tensor()}) {
    const std::vector<float> y = linear(x, weight, shift, {.relu = true}).to_vector<float>();
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == (shift.defined() ? 1 : 0));
  }
}

}  // namespace hebb
