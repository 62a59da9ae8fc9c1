// Products and convolutions of bfloat16 against the CPU's, in both orders of threads.
#include <algorithm>
#include <cmath>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "core/precision.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "tests/catch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

const Device device = Device::cuda();
constexpr double ulp = 1.0 / 256;  // of bfloat16: a rounding is half of it

/// What an operation of x, weight and bias gives, and their gradients.
using Values = std::vector<std::vector<float>>;

struct Operands {
  Shape x, weight;
  bool bias = true;
};

template <class Call>
Values results(const Operands& operands, Device on, Call&& call) {
  Generator random(3);
  const auto normal = [&](const Shape& shape, DType dtype) {
    const Tensor t = Tensor::empty(shape);
    fill_normal(t, 0, 1, random);
    return t.to(dtype).to(on).set_requires_grad();
  };
  const Tensor x = normal(operands.x, DType::bfloat16),
               weight = normal(operands.weight, DType::float32);
  const bool has_replicas = operands.x.rank() % 2 == 1;
  Tensor bias;
  if (operands.bias)
    bias = normal(Shape(operands.weight.extents().first(has_replicas ? 2 : 1)), DType::float32);
  const Tensor y = call(x, weight, bias);
  CHECK(y.dtype() == DType::bfloat16);
  backward(y, normal(y.shape(), DType::bfloat16).detach());
  CHECK(x.grad().dtype() == DType::bfloat16);
  CHECK(weight.grad().dtype() == DType::float32);
  Values all;
  for (const Tensor& t : {y.detach(), x.grad(), weight.grad()})
    all.push_back(t.to(DType::float32).to_vector<float>());
  if (bias.defined()) all.push_back(bias.grad().to_vector<float>());
  return all;
}

/// Whether no element is further away than `tolerance` times the largest.
bool close(const std::vector<float>& a, const std::vector<float>& b, double tolerance) {
  double largest = 0, apart = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    largest = std::max(largest, std::abs(double(b[i])));
    apart = std::max(apart, std::abs(double(a[i]) - double(b[i])));
  }
  return a.size() == b.size() && apart <= tolerance * largest;
}

template <class Call>
void compare(const Operands& operands, Call&& call) {
  INFO(operands.x.to_string() << " by " << operands.weight.to_string());
  const Values cpu = results(operands, Device::cpu(), call), gpu = results(operands, device, call);
  run_backwards = true;
  CHECK(results(operands, device, call) == gpu);
  run_backwards = false;
  REQUIRE(gpu.size() == cpu.size());
  // y is rounded once and, with a bias that is added to it, once more; dx once; of the weight's
  // gradient a convolution's, too; and a bias's gradient never.
  const double tolerances[] = {2 * ulp, ulp, ulp, 1e-6};
  for (size_t i = 0; i < cpu.size(); ++i) {
    INFO("result " << i);
    CHECK(close(gpu[i], cpu[i], tolerances[i]));
  }
  CHECK(emulation.broken_guards == 0);
}

struct Convolved {
  Operands operands;
  Conv2dOptions options = {};
};
const Convolved convolutions[] = {
    {{{2, 3, 8, 8}, {64, 3, 3, 3}, false}, {.pad_h = 1, .pad_w = 1}},
    {{{2, 20, 7, 9}, {21, 20, 3, 3}}, {.stride_h = 2, .stride_w = 2, .pad_h = 1, .pad_w = 1}},
    {{{3, 18, 6, 5}, {5, 18, 1, 1}, false}, {.stride_h = 2, .stride_w = 2}},
    {{{1, 17, 9, 8}, {19, 17, 3, 2}}, {.pad_h = 2, .dilation_h = 2, .dilation_w = 3}},
    {{{3, 2, 17, 5, 5}, {3, 6, 17, 3, 3}}, {.pad_w = 1}},  // replicas
    {{{2, 20, 1, 1}, {20, 20, 1, 1}}},
    {{{0, 20, 5, 5}, {20, 20, 3, 3}}},
    // Small images of few channels, which have kernels of their own.
    {{{3, 1, 28, 28}, {6, 1, 5, 5}}, {.pad_h = 2, .pad_w = 2}},
    {{{2, 3, 6, 14, 14}, {2, 16, 6, 5, 5}}},
};

TEST_CASE("convolutions of bfloat16 are the CPU's, and the same again", "[gpu]") {
  for (const bool by_cudnn : {true, false}) {
    emulation.convolutions = by_cudnn;
    for (const Convolved& convolved : convolutions)
      compare(convolved.operands, [&](const Tensor& x, const Tensor& weight, const Tensor& bias) {
        return conv2d(x, weight, bias, convolved.options);
      });
  }
  emulation.convolutions = true;
}

TEST_CASE("what cuDNN gives of bfloat16 has its channels side by side, and is read by rows",
          "[gpu]") {
  const auto convolved = [](const Shape& shape, Device on) {
    Generator random(5);
    const auto normal = [&](const Shape& s) {
      const Tensor t = Tensor::empty(s);
      fill_normal(t, 0, 1, random);
      return t.to(on);
    };
    const Tensor x = normal(shape).to(DType::bfloat16), weight = normal({18, shape[1], 3, 3});
    return conv2d(x, weight, {}, {.pad_h = 1, .pad_w = 1});
  };
  const Shape shape{2, 5, 4, 6};
  const Tensor y = convolved(shape, device);
  CHECK(y.layout() == Layout::channels_last);
  const std::vector<float> cpu =
      convolved(shape, Device::cpu()).to(DType::float32).to_vector<float>();
  CHECK(close(y.to(DType::float32).to_vector<float>(), cpu, ulp));
  CHECK(close(y.to(Device::cpu()).to(DType::float32).to_vector<float>(), cpu, ulp));
  CHECK(y.row_major().layout() == Layout::row_major);
  CHECK(close(y.row_major().to(DType::float32).to_vector<float>(), cpu, ulp));
  emulation.convolutions = false;
  CHECK(convolved(shape, device).layout() == Layout::row_major);
  emulation.convolutions = true;
}

TEST_CASE("which way a convolution of bfloat16 goes has a name", "[gpu]") {
  Backend& backend = backend_for(device);
  const Conv2dOptions options;
  const auto path = [&](const Shape& x, const Shape& weight, const Shape& y) {
    std::vector<std::string> names;
    for (const ConvDirection direction :
         {ConvDirection::forward, ConvDirection::backward_input, ConvDirection::backward_weight})
      names.emplace_back(backend.conv2d_path(direction, DType::bfloat16, x, weight, y, options));
    return names;
  };
  const auto large = [&] { return path({2, 20, 8, 8}, {24, 20, 3, 3}, {2, 24, 6, 6}); };
  CHECK(large() == std::vector<std::string>(3, "cudnn-emulated"));
  CHECK(path({2, 6, 14, 14}, {16, 6, 5, 5}, {2, 16, 10, 10}) ==
        std::vector<std::string>(3, "direct"));
  emulation.convolutions = false;
  CHECK(large() == std::vector<std::string>(3, "plain"));  // float32's, which cuDNN refuses here
  emulation.convolutions = true;
}

TEST_CASE("weights are rounded and turned for cuDNN, and gradients turned back", "[gpu]") {
  const ConvWeight shape{.filters = 5, .channels = 7, .positions = 6};
  const int64_t n = shape.filters * shape.channels * shape.positions;
  std::vector<float> weight, back(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) weight.push_back(1 + float(i) / 1000);
  std::vector<BFloat16> narrow(static_cast<size_t>(n));
  narrow_weight({}, shape, weight.data(), narrow.data());
  widen_weight({}, shape, narrow.data(), back.data());
  for (int64_t f = 0, i = 0; f < shape.filters; ++f)
    for (int64_t c = 0; c < shape.channels; ++c)
      for (int64_t p = 0; p < shape.positions; ++p, ++i) {
        const float nearest = to_float(to_bfloat16(weight[size_t(i)]));
        CHECK(to_float(narrow[size_t((f * shape.positions + p) * shape.channels + c)]) == nearest);
        CHECK(back[size_t(i)] == nearest);
      }
}

TEST_CASE("dense layers of bfloat16 are the CPU's, and the same again", "[gpu]") {
  for (const bool epilogues : {true, false}) {
    emulation.epilogues = epilogues;
    for (const bool relu : {false, true})
      for (const Operands& operands :
           {Operands{{7, 5}, {4, 5}}, Operands{{7, 5}, {4, 5}, false}, Operands{{1, 33}, {17, 33}},
            Operands{{2, 7, 5}, {2, 4, 5}}, Operands{{3, 0}, {4, 0}}, Operands{{0, 3}, {4, 3}}})
        compare(operands, [&](const Tensor& x, const Tensor& weight, const Tensor& bias) {
          return linear(x, weight, bias, {.relu = relu});
        });
  }
  emulation.epilogues = true;
}

TEST_CASE("a dense layer of bfloat16 rounds its sum with the bias once", "[gpu]") {
  const float factor = 1 + 1.0f / 128;  // whose square bfloat16 rounds to 1 + 2/128
  const Tensor x = Tensor::full({1, 1}, factor, {DType::bfloat16, device}),
               weight = Tensor::full({1, 1}, factor, {.device = device}),
               bias = Tensor::full({1}, -(1 + 2.0 / 128), {.device = device});
  for (const bool epilogues : {true, false}) {
    emulation.epilogues = epilogues;
    CHECK(linear(x, weight, bias).item() == 1.0 / (128 * 128));
  }
  emulation.epilogues = true;
}

TEST_CASE("with bf16 networks are given bfloat16, and float32 is multiplied as it is", "[gpu]") {
  const float fine = 1 + 1.0f / 4096;  // 1 for TF32 and bfloat16
  const Tensor x = Tensor::full({1, 1}, fine, {.device = device}),
               one = Tensor::ones({1, 1}, {.device = device});
  CHECK(network_input(x).dtype() == DType::float32);
  set_precision(Precision::bf16, device);
  CHECK(precision(device) == Precision::bf16);
  CHECK(network_input(x).dtype() == DType::bfloat16);
  CHECK(network_input(x.to(DType::float64)).dtype() == DType::float64);
  CHECK(matmul(x, one).item() == fine);
  CHECK(linear(one, x).item() == fine);
  conv2d(Tensor::ones({1, 20, 3, 3}, {.device = device}),
         Tensor::ones({1, 20, 3, 3}, {.device = device}));
  CHECK(emulation.precision_of_cudnn == Precision::fp32);
  set_precision(Precision::fp32, device);
}

}  // namespace
}  // namespace hebb::cuda
