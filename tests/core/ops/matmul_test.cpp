#include "core/ops/matmul.hpp"

#include "core/ops/reduce.hpp"
#include "core/random.hpp"
#include "tests/catch.hpp"

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

}  // namespace hebb
