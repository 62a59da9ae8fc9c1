#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "bench/measure.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace hebb::bench {

/// A convolution of ResNet-18 (for images of 32x32) or LeNet-5, without bias.
struct ConvCase {
  std::string name;  ///< "64-128 3x3/2 32x32": channels, kernel, stride, input
  Shape x, weight;
  Conv2dOptions options;
};

/// Each shape once; `batch` images.
std::vector<ConvCase> conv_cases(int64_t batch);

struct ConvDirectionName {
  ConvDirection direction;
  std::string_view name;
};
inline constexpr std::array conv_directions{
    ConvDirectionName{ConvDirection::forward, "forward"},
    ConvDirectionName{ConvDirection::backward_input, "input gradient"},
    ConvDirectionName{ConvDirection::backward_weight, "weight gradient"}};

struct ConvResult {
  std::string_view path;  ///< The algorithm that the backend chose.
  Timing timing;
  Timing float32;     ///< Of fp32, in turns with it; of no calls where this is fp32.
  double operations;  ///< Of the definition: two for each product.
  double error;       ///< The largest, as a share of the largest element of the float64 result.
};

/// On random numbers, for about so many seconds.
ConvResult measure_convolution(const ConvCase& c, ConvDirection direction, Precision precision,
                               double seconds);

}  // namespace hebb::bench
