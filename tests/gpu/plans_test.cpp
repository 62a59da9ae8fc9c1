// cuDNN answers for a device that it is told of; no GPU is asked.
#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "core/precision.hpp"
#include "gpu/cudnn_graph.hpp"
#include "tests/catch.hpp"

namespace hebb::cuda {
namespace {

struct Layer {
  int64_t channels, size, filters, kernel, stride;
};

// ResNet-18's on CIFAR-10, and LeNet-5's first.
const Layer layers[] = {{3, 32, 64, 3, 1},    {64, 32, 64, 3, 1},   {64, 32, 128, 3, 2},
                        {64, 32, 128, 1, 2},  {128, 16, 128, 3, 1}, {128, 16, 256, 3, 2},
                        {128, 16, 256, 1, 2}, {256, 8, 256, 3, 1},  {256, 8, 512, 3, 2},
                        {256, 8, 512, 1, 2},  {512, 4, 512, 3, 1},  {1, 28, 6, 5, 1}};

constexpr ConvDirection directions[] = {ConvDirection::forward, ConvDirection::backward_input,
                                        ConvDirection::backward_weight};

PlanKey key_of(const Layer& layer, ConvDirection direction, DType dtype, Precision precision,
               ConvPolicy policy, int64_t batch = 128) {
  const int64_t pad = layer.kernel / 2;
  const int64_t out = (layer.size + 2 * pad - layer.kernel) / layer.stride + 1;
  return {direction,
          dtype,
          precision,
          policy,
          {.batch = batch,
           .channels = layer.channels,
           .height = layer.size,
           .width = layer.size,
           .filters = layer.filters,
           .kernel_h = layer.kernel,
           .kernel_w = layer.kernel,
           .stride_h = layer.stride,
           .stride_w = layer.stride,
           .pad_h = pad,
           .pad_w = pad,
           .out_h = out,
           .out_w = out}};
}

Descriptor device_to_ask_for() {
  std::ifstream file(HEBB_DEVICE_DESCRIPTION);
  std::stringstream json;
  json << file.rdbuf();
  return describe_device(json.str());
}

// Types, and how they are multiplied.
const std::pair<DType, Precision> arithmetics[] = {{DType::float32, Precision::fp32},
                                                   {DType::float32, Precision::tf32},
                                                   {DType::float64, Precision::fp32}};

TEST_CASE("cuDNN has plans for every convolution of ResNet-18", "[gpu][cudnn]") {
  const Descriptor device = device_to_ask_for();
  std::set<PlanKey::Numbers> keys;
  for (const Layer& layer : layers)
    for (const ConvDirection direction : directions)
      for (const auto& [dtype, precision] : arithmetics)
        for (const ConvPolicy policy : {ConvPolicy::fast, ConvPolicy::exact}) {
          INFO(layer.channels << " to " << layer.filters << ", " << layer.kernel << "x"
                              << layer.kernel << ", direction " << int(direction) << ", "
                              << precisions().name_of(precision));
          PlanKey key = key_of(layer, direction, dtype, precision, policy);
          const std::optional<Plan> plan = find_plan({.description = &device}, key);
          REQUIRE(plan);
          CHECK(plan->engine >= 0);
          CHECK(plan->workspace < 256 << 20);
          keys.insert(key.numbers());
          key.alignment_y = dtype == DType::float32 ? 4 : 8;  // a slice is another plan
          CHECK(find_plan({.description = &device}, key).has_value());
          keys.insert(key.numbers());
        }
  CHECK(keys.size() == std::size(layers) * 3 * std::size(arithmetics) * 2 * 2);
}

TEST_CASE("float32 goes to tensor cores under TF32 alone", "[gpu][cudnn]") {
  const Descriptor device = device_to_ask_for();
  const Layer layer = {512, 4, 512, 3, 1};
  for (const ConvDirection direction : directions) {
    const auto has = [&](Precision precision, cudnnBackendNumericalNote_t note) {
      const PlanKey key = key_of(layer, direction, DType::float32, precision, ConvPolicy::fast);
      const std::optional<Plan> plan = find_plan({.description = &device}, key);
      REQUIRE(plan);
      return std::ranges::find(plan->notes, note) != plan->notes.end();
    };
    CHECK(has(Precision::tf32, CUDNN_NUMERICAL_NOTE_TENSOR_CORE));
    CHECK_FALSE(has(Precision::fp32, CUDNN_NUMERICAL_NOTE_TENSOR_CORE));
    for (const Precision precision : {Precision::fp32, Precision::tf32}) {
      CHECK_FALSE(has(precision, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC));
      CHECK_FALSE(has(precision, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS));
    }
  }
}

TEST_CASE("cuDNN convolves bfloat16 on tensor cores, with little memory and channels side by side",
          "[gpu][cudnn]") {
  const Descriptor device = device_to_ask_for();
  for (const Layer& layer : layers)
    for (const ConvDirection direction : directions)
      for (const int64_t batch : {512, 100})
        for (const ConvPolicy policy : {ConvPolicy::fast, ConvPolicy::exact}) {
          INFO(layer.channels << " to " << layer.filters << ", " << layer.kernel << "x"
                              << layer.kernel << ", direction " << int(direction) << ", batch "
                              << batch);
          PlanKey key = key_of(layer, direction, DType::bfloat16, Precision::fp32, policy, batch);
          const std::optional<Plan> plan = find_plan({.description = &device}, key);
          REQUIRE(plan);
          const auto has = [&](cudnnBackendNumericalNote_t note) {
            return std::ranges::find(plan->notes, note) != plan->notes.end();
          };
          CHECK_FALSE(has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC));
          CHECK_FALSE(has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION));
          if (layer.channels == 1) continue;  // LeNet-5's, which has kernels of its own
          CHECK(has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE));
          // The images' three channels become eight there.
          CHECK(plan->workspace < 16 << 20);
        }
}

TEST_CASE("what cuDNN refuses is an error with its name", "[gpu][cudnn]") {
  CHECK_THROWS_WITH(describe_device("{}"),
                    ContainsSubstring("[cudnn] cudnnBackendFinalize failed:"));
}

}  // namespace
}  // namespace hebb::cuda
