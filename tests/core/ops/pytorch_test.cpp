#include <numeric>

#include "core/ops/ops.hpp"
#include "tests/catch.hpp"

// Where definitions leave room, operations do as PyTorch's. The numbers are PyTorch 2.15's, by the
// calls in the comments.
namespace hebb {
namespace {

/// ((torch.arange(n) * factor % 101 - 50) / 64).reshape(shape)
Tensor numbers(const Shape& shape, int64_t factor = 37) {
  std::vector<double> values(size_t(shape.numel()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = double(int64_t(i) * factor % 101 - 50) / 64;
  return Tensor::from(values, shape);
}

/// (x * torch.arange(x.numel()).reshape(x.shape)).sum()
double weighted(const Tensor& x) {
  std::vector<double> positions(size_t(x.numel()));
  std::iota(positions.begin(), positions.end(), 0);
  return sum(x.detach() * Tensor::from(positions, x.shape())).item();
}

}  // namespace

TEST_CASE("pooling in ceil_mode is PyTorch's", "[core][ops]") {
  // max_pool2d(x, (3, 3), (2, 3), (1, 1), (2, 1), ceil_mode=True, return_indices=True)
  Pool2dOptions options{.kernel_h = 3,
                        .kernel_w = 3,
                        .stride_h = 2,
                        .stride_w = 3,
                        .pad_h = 1,
                        .pad_w = 1,
                        .dilation_h = 2,
                        .ceil_mode = true};
  const Tensor x = numbers({1, 2, 8, 7});
  const auto [values, indices] = max_pool2d_with_indices(x, options);
  CHECK(values.shape() == Shape{1, 2, 4, 3});
  CHECK(sum(values).item() == 13.78125);
  CHECK(sum(indices.to(DType::float64)).item() == 801);
  // avg_pool2d(x, (3, 3), (2, 3), (1, 1), ceil_mode=True, count_include_pad=...).sum()
  options.dilation_h = 1;
  CHECK(avg_pool2d(x, options).shape() == Shape{1, 2, 5, 3});
  CHECK(sum(avg_pool2d(x, options)).item() == Approx(-0.08072916666666663));
  options.count_include_pad = false;
  CHECK(sum(avg_pool2d(x, options)).item() == Approx(0.059895833333333315));
}

TEST_CASE("cross-entropy with all its options is PyTorch's", "[core][ops]") {
  // cross_entropy(logits, labels, weight, ignore_index=2, label_smoothing=0.1, reduction=...)
  Tensor logits = numbers({3, 4, 5}).set_requires_grad();
  std::vector<int64_t> labels(15);
  for (size_t i = 0; i < 15; ++i) labels[i] = int64_t(i) * 7 % 4;
  const Tensor weight = Tensor::from(std::vector<double>{0.5, 1.5, 1, 2}, {4});
  const auto loss = [&](Reduction reduction) {
    logits.zero_grad();
    const Tensor y = cross_entropy(
        logits, Tensor::from(labels, {3, 5}),
        {.label_smoothing = 0.1, .weight = weight, .ignore_index = 2, .reduction = reduction});
    y.backward();
    return y.item();
  };
  CHECK(loss(Reduction::mean) == Approx(1.3005857986806493).epsilon(1e-12));
  CHECK(weighted(logits.grad()) == Approx(-1.736379891731632).epsilon(1e-12));
  CHECK(loss(Reduction::sum) == Approx(18.858494080869416).epsilon(1e-12));
  CHECK(weighted(logits.grad()) == Approx(-25.177508430108702).epsilon(1e-12));
}

TEST_CASE("convolution in groups is PyTorch's", "[core][ops]") {
  // conv2d(x, weight, padding=1, groups=2)
  const Tensor y = conv2d(numbers({2, 6, 5, 5}), numbers({4, 3, 3, 3}, 29), {},
                          {.pad_h = 1, .pad_w = 1, .groups = 2});
  CHECK(weighted(y) == Approx(-90.415283203125));
}

}  // namespace hebb
