// The kernels for small images against the CPU, in both orders of threads.
#include <cmath>
#include <cstring>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/conv2d.hpp"
#include "core/ops/conv2d_max_pool2d.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/fill.hpp"
#include "core/ops/pool2d.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "tests/catch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

constexpr ConvDirection directions[] = {ConvDirection::forward, ConvDirection::backward_input,
                                        ConvDirection::backward_weight};

struct SmallConvolution {
  Shape x, weight;
  int64_t pad_h = 0, pad_w = 0;
  bool bias = true;
};

/// y and the gradients of x, weight and bias, each as float64.
std::vector<std::vector<double>> results(const SmallConvolution& c, Device on, DType dtype) {
  Generator random(3);
  const auto normal = [&](const Shape& shape) {
    const Tensor t = Tensor::empty(shape);
    fill_normal(t, 0, 1, random);
    return t.to(dtype).to(on);
  };
  Tensor x = normal(c.x), weight = normal(c.weight), bias;
  if (c.bias) bias = normal({c.weight[0]}).set_requires_grad();
  x.set_requires_grad();
  weight.set_requires_grad();
  const Tensor y = conv2d(x, weight, bias, {.pad_h = c.pad_h, .pad_w = c.pad_w});
  backward(y, normal(y.shape()));
  std::vector<std::vector<double>> all;
  std::vector<Tensor> tensors = {y.detach(), x.grad(), weight.grad()};
  if (c.bias) tensors.push_back(bias.grad());
  for (const Tensor& t : tensors) all.push_back(t.to(DType::float64).to_vector<double>());
  return all;
}

/// ‖a - b‖ <= tolerance ‖b‖
bool close(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  double apart = 0, norm = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    apart += (a[i] - b[i]) * (a[i] - b[i]);
    norm += b[i] * b[i];
  }
  return std::sqrt(apart) <= tolerance * std::sqrt(norm);
}

void compare(const SmallConvolution& c, DType dtype) {
  INFO(c.x.to_string() << " by " << c.weight.to_string() << ", " << name_of(dtype));
  const auto cpu = results(c, Device::cpu(), dtype);
  const auto gpu = results(c, Device::cuda(), dtype);
  REQUIRE(cpu.size() == (c.bias ? 4 : 3));
  REQUIRE(gpu.size() == cpu.size());
  run_backwards = true;
  const auto again = results(c, Device::cuda(), dtype);
  run_backwards = false;
  for (size_t i = 0; i < cpu.size(); ++i) {
    INFO("result " << i);
    REQUIRE(gpu[i].size() == cpu[i].size());
    CHECK(close(gpu[i], cpu[i], dtype == DType::float32 ? 2e-6 : 1e-14));
    CHECK(std::equal(gpu[i].begin(), gpu[i].end(), again[i].begin(),
                     [](double a, double b) { return std::memcmp(&a, &b, sizeof(double)) == 0; }));
  }
  CHECK(emulation.broken_guards == 0);
}

ConvGeometry geometry(const SmallConvolution& c) {
  return {.batch = c.x[0],
          .channels = c.x[1],
          .height = c.x[2],
          .width = c.x[3],
          .filters = c.weight[0],
          .kernel_h = c.weight[2],
          .kernel_w = c.weight[3],
          .pad_h = c.pad_h,
          .pad_w = c.pad_w,
          .out_h = c.x[2] + 2 * c.pad_h - c.weight[2] + 1,
          .out_w = c.x[3] + 2 * c.pad_w - c.weight[3] + 1};
}

SmallConvolution lenet_first(int64_t batch) { return {{batch, 1, 28, 28}, {6, 1, 5, 5}, 2, 2}; }
SmallConvolution lenet_second(int64_t batch) { return {{batch, 6, 14, 14}, {16, 6, 5, 5}}; }

TEST_CASE("convolutions of small images are the CPU's, and the same again", "[gpu]") {
  const SmallConvolution odd[] = {
      {{1, 1, 1, 1}, {1, 1, 1, 1}},
      {{3, 5, 9, 13}, {7, 5, 7, 3}, 3, 1},
      {{2, 3, 7, 11}, {5, 3, 4, 7}},
      {{5, 16, 5, 6}, {16, 16, 2, 2}, 0, 1, false},
      {{2, 2, 8, 7}, {3, 2, 6, 1}, 5, 0},
      {{1, 1, 2, 3}, {9, 1, 2, 2}, 4, 3},  // more padding than kernel
      {{0, 2, 5, 5}, {3, 2, 3, 3}, 1, 1},
      {{2, 1, 21, 50}, {4, 1, 1, 5}, 0, 2},
  };
  for (const SmallConvolution& c : odd) {
    for (const ConvDirection direction : directions)
      CHECK(conv2d_is_direct<float>(direction, geometry(c)));
    for (const DType dtype : {DType::float32, DType::float64}) compare(c, dtype);
  }
}

TEST_CASE("LeNet-5's convolutions are the CPU's, and the same again", "[gpu]") {
  for (const int64_t batch : {0, 1, 5, 100}) {
    compare(lenet_first(batch), DType::float32);
    compare(lenet_second(batch), DType::float32);
  }
  // Several images a block, and a last block of fewer.
  compare(lenet_first(515), DType::float32);
  compare(lenet_second(515), DType::float32);
  compare(lenet_first(3), DType::float64);
  compare(lenet_second(3), DType::float64);
}

TEST_CASE("small images of few channels are convolved directly", "[gpu]") {
  const auto direct = []<class T>(T, const ConvGeometry& g) {
    std::vector<bool> is;
    for (const ConvDirection direction : directions)
      is.push_back(conv2d_is_direct<T>(direction, g));
    return is;
  };
  const std::vector<bool> all(3, true), none(3, false);
  for (const int64_t batch : {int64_t(1), int64_t(100), int64_t(1000), int64_t(1) << 40}) {
    CHECK(direct(1.0f, geometry(lenet_first(batch))) == all);
    CHECK(direct(1.0f, geometry(lenet_second(batch))) == all);
    // In float64 a block has half the room: not for dy, nor for the weights of the second.
    CHECK(direct(1.0, geometry(lenet_first(batch))) == std::vector<bool>{true, false, true});
    CHECK(direct(1.0, geometry(lenet_second(batch))) == std::vector<bool>{false, false, true});
  }
  const SmallConvolution small = {{100, 8, 12, 12}, {8, 8, 3, 3}, 1, 1};
  CHECK(direct(1.0f, geometry(small)) == all);
  for (int64_t ConvGeometry::*step : {&ConvGeometry::stride_h, &ConvGeometry::stride_w,
                                      &ConvGeometry::dilation_h, &ConvGeometry::dilation_w}) {
    ConvGeometry g = geometry(small);
    g.*step = 2;
    CHECK(direct(1.0f, g) == none);
  }
  const SmallConvolution other[] = {{{100, 17, 12, 12}, {8, 17, 3, 3}, 1, 1},
                                    {{100, 8, 12, 12}, {17, 8, 3, 3}, 1, 1},
                                    {{100, 1, 12, 12}, {8, 1, 8, 3}},
                                    {{100, 1, 12, 12}, {8, 1, 3, 8}},
                                    {{100, 3, 32, 32}, {64, 3, 3, 3}, 1, 1},
                                    {{1, 16, 64, 64}, {16, 16, 3, 3}, 1, 1},
                                    {{1, 1, 1, int64_t(1) << 33}, {1, 1, 1, 1}},
                                    {{1, 1, 1 << 20, 1 << 20}, {1, 1, 3, 3}},
                                    {{1, 1, 1, 1}, {1, 1, 1, 1}, int64_t(1) << 31, 0}};
  for (const SmallConvolution& c : other) CHECK(direct(1.0f, geometry(c)) == none);
}

TEST_CASE("a direct convolution is named so, and takes one launch with its bias", "[gpu]") {
  const Shape x = {2, 1, 28, 28}, weight = {6, 1, 5, 5};
  const Conv2dOptions padded = {.pad_h = 2, .pad_w = 2}, strided = {.stride_h = 2};
  Backend& backend = backend_for(Device::cuda());
  for (const ConvDirection direction : directions) {
    CHECK(backend.conv2d_path(direction, DType::float32, x, weight, {2, 6, 28, 28}, padded) ==
          "direct");
    CHECK(backend.conv2d_path(direction, DType::float32, x, weight, {2, 6, 12, 24}, strided) ==
          "plain");
  }
  const TensorOptions options = {.device = Device::cuda()};
  const Tensor images = Tensor::ones(x, options), filters = Tensor::ones(weight, options);
  const Tensor bias = Tensor::ones({6}, options);
  const long before = emulation.launches;
  const Tensor y = conv2d(images, filters, bias, padded);
  CHECK(emulation.launches == before + 1);
  CHECK(y.to_vector<float>()[0] == 10);  // a corner meets nine pixels
}

TEST_CASE("a convolution that is pooled at once gives the bytes of one that is pooled after it",
          "[gpu]") {
  struct Outcome {
    std::vector<std::vector<float>> values;
    long launches;
  };
  DType dtype = DType::float32;  // of images
  const auto run = [&](const SmallConvolution& c, const ConvPoolOptions& options, bool at_once) {
    Generator random(3);
    const auto normal = [&](const Shape& shape, DType of = DType::float32) {
      const Tensor t = Tensor::empty(shape);
      fill_normal(t, 0, 1, random);
      return t.to(of).to(Device::cuda()).set_requires_grad();
    };
    const Tensor x = normal(c.x, dtype), weight = normal(c.weight);
    const Tensor bias =
        c.bias ? normal(Shape(c.weight.extents().first(c.weight.rank() - 3))) : Tensor();
    const long before = emulation.launches;
    Tensor y;
    if (at_once) {
      y = conv2d_max_pool2d(x, weight, bias, options);
    } else {
      y = max_pool2d(conv2d(x, weight, bias, options.conv), options.pool);
      if (options.relu) y = relu(y);
    }
    const Tensor dy = Tensor::full(y.shape(), 0.75, y.options());
    backward(y, dy);
    const long launches = emulation.launches - before;
    Outcome outcome = {{y.detach().to(DType::float32).to_vector<float>()}, launches};
    for (const Tensor& leaf : {x, weight, bias})
      if (leaf.defined())
        outcome.values.push_back(leaf.grad().to(DType::float32).to_vector<float>());
    return outcome;
  };
  const Pool2dOptions overlapping = {.kernel_h = 3, .kernel_w = 3};
  const std::pair<SmallConvolution, Pool2dOptions> cases[] = {
      {lenet_first(3), {}},
      {lenet_second(3), {}},
      {lenet_second(515), {}},  // several images a block, and a last block of fewer
      {{{3, 2, 9, 11}, {5, 2, 3, 3}, 1, 1}, {}},
      {{{3, 2, 9, 11}, {5, 2, 3, 3}, 1, 1}, {.ceil_mode = true}},
      {{{3, 2, 9, 11}, {5, 2, 3, 3}, 1, 1, false},
       {.kernel_h = 1, .kernel_w = 3, .stride_h = 1, .stride_w = 3}},
      {{{3, 2, 9, 11}, {5, 2, 3, 3}, 1, 1}, overlapping},
      {{{2, 3, 1, 28, 28}, {2, 6, 1, 5, 5}, 2, 2}, {}},  // replicas
      {{{2, 3, 2, 9, 11}, {2, 5, 2, 3, 3}}, overlapping},
      {{{2, 20, 8, 8}, {3, 20, 3, 3}}, {}},  // cuDNN's
  };
  for (const DType type : {DType::bfloat16, DType::float32}) {
    dtype = type;
    for (const auto& [convolution, pool] : cases)
      for (const bool relu : {false, true}) {
        INFO(name_of(type) << ", " << convolution.x.to_string() << " by "
                           << convolution.weight.to_string());
        const ConvPoolOptions options = {
            {.pad_h = convolution.pad_h, .pad_w = convolution.pad_w}, pool, relu};
        const Outcome after = run(convolution, options, false);
        for (const bool backwards : {false, true}) {
          run_backwards = backwards;
          const Outcome at_once = run(convolution, options, true);
          run_backwards = false;
          CHECK(at_once.values == after.values);
          CHECK(at_once.launches <= after.launches);
        }
      }
  }
  // Forward one in place of three; backward two less.
  const ConvPoolOptions options = {{.pad_h = 2, .pad_w = 2}, {}, true};
  for (const DType type : {DType::bfloat16, DType::float32}) {
    dtype = type;
    CHECK(run(lenet_first(3), options, true).launches ==
          run(lenet_first(3), options, false).launches - 4);
  }
  CHECK(emulation.broken_guards == 0);
}

}  // namespace
}  // namespace hebb::cuda
