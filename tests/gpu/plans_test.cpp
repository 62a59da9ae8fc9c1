// cuDNN answers for a device that it is told of; no GPU is asked.
#include <fstream>
#include <set>
#include <sstream>

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

PlanKey key_of(const Layer& layer, ConvDirection direction, DType dtype, ConvPolicy policy) {
  const int64_t pad = layer.kernel / 2;
  const int64_t out = (layer.size + 2 * pad - layer.kernel) / layer.stride + 1;
  return {direction,
          dtype,
          policy,
          {.batch = 128,
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

TEST_CASE("cuDNN has strict plans for every convolution of ResNet-18", "[gpu][cudnn]") {
  std::ifstream file(HEBB_DEVICE_DESCRIPTION);
  std::stringstream json;
  json << file.rdbuf();
  const Descriptor device = describe_device(json.str());
  std::set<PlanKey::Numbers> keys;
  for (const Layer& layer : layers)
    for (const ConvDirection direction :
         {ConvDirection::forward, ConvDirection::backward_input, ConvDirection::backward_weight})
      for (const DType dtype : {DType::float32, DType::float64})
        for (const ConvPolicy policy : {ConvPolicy::fast, ConvPolicy::exact}) {
          INFO(layer.channels << " to " << layer.filters << ", " << layer.kernel << "x"
                              << layer.kernel << ", direction " << int(direction));
          PlanKey key = key_of(layer, direction, dtype, policy);
          const std::optional<Plan> plan = find_plan({.description = &device}, key);
          REQUIRE(plan);
          CHECK(plan->engine >= 0);
          CHECK(plan->workspace < 256 << 20);
          keys.insert(key.numbers());
          key.alignment_y = dtype == DType::float32 ? 4 : 8;  // a slice is another plan
          CHECK(find_plan({.description = &device}, key).has_value());
          keys.insert(key.numbers());
        }
  CHECK(keys.size() == std::size(layers) * 3 * 2 * 2 * 2);
}

TEST_CASE("what cuDNN refuses is an error with its name", "[gpu][cudnn]") {
  CHECK_THROWS_WITH(describe_device("{}"),
                    ContainsSubstring("[cudnn] cudnnBackendFinalize failed:"));
}

}  // namespace
}  // namespace hebb::cuda
