#include "bench/convolutions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/backend.hpp"
#include "core/ops/ops.hpp"
#include "core/precision.hpp"

namespace hebb::bench {
namespace {

ConvCase conv_case(int64_t batch, int64_t in, int64_t out, int64_t kernel, int64_t stride,
                   int64_t extent, int64_t pad) {
  return {.name = fmt::format("{}-{} {}x{}{} {}x{}", in, out, kernel, kernel,
                              stride == 1 ? "" : fmt::format("/{}", stride), extent, extent),
          .x = {batch, in, extent, extent},
          .weight = {out, in, kernel, kernel},
          .options = {.stride_h = stride, .stride_w = stride, .pad_h = pad, .pad_w = pad}};
}

double largest_error(const Tensor& result, const Tensor& reference) {
  const std::vector<float> a = result.to_vector<float>();
  const std::vector<double> b = reference.to_vector<double>();
  double error = 0, largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error = std::max(error, std::abs(double(a[i]) - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return error / largest;
}

}  // namespace

std::vector<ConvCase> conv_cases(int64_t batch) {
  std::vector<ConvCase> cases{conv_case(batch, 3, 64, 3, 1, 32, 1)};
  for (int64_t channels = 64, extent = 32; channels <= 512; channels *= 2, extent /= 2) {
    cases.push_back(conv_case(batch, channels, channels, 3, 1, extent, 1));
    if (channels == 512) break;
    cases.push_back(conv_case(batch, channels, 2 * channels, 3, 2, extent, 1));
    cases.push_back(conv_case(batch, channels, 2 * channels, 1, 2, extent, 0));
  }
  cases.push_back(conv_case(batch, 1, 6, 5, 1, 28, 2));
  cases.push_back(conv_case(batch, 6, 16, 5, 1, 14, 0));
  return cases;
}

ConvResult measure_convolution(const ConvCase& c, ConvDirection direction, Precision precision,
                               double seconds) {
  Generator generator(1);
  const auto random = [&](const Shape& shape) {
    const Tensor x = Tensor::empty(shape);
    fill_uniform(x, -1, 1, generator);
    return x;
  };
  const Tensor x = random(c.x), weight = random(c.weight);
  const Shape shape = conv2d(x, weight, {}, c.options).shape();
  const Tensor dy = random(shape);
  const auto run = [&](DType type) {
    const Tensor a = direction == ConvDirection::forward ? x : dy;
    const Tensor b = direction == ConvDirection::backward_weight ? x : weight;
    return [a = a.to(type), b = b.to(type), direction, &c, shape] {
      const ActiveBackend backend = backend_of(a);
      switch (direction) {
        case ConvDirection::forward:
          return backend->conv2d(a, b, {}, shape, c.options);
        case ConvDirection::backward_input:
          return backend->conv2d_backward_input(a, b, c.x, c.options);
        case ConvDirection::backward_weight:
          break;
      }
      return backend->conv2d_backward_weight(a, b, c.weight, false, c.options).dweight;
    };
  };
  const auto single = [&, result = run(DType::float32)](Precision of) {
    set_precision(of);
    return result();
  };
  const auto fp32 = [&] { single(Precision::fp32); };
  const auto chosen = [&] { single(precision); };
  std::pair<Timing, Timing> timings;
  if (precision == Precision::fp32)
    timings.first = measure(fp32, seconds);
  else
    timings = measure_in_turns(chosen, fp32, seconds);
  set_precision(precision);
  return {.path = backend_of(x)->conv2d_path(direction, DType::float32, c.x, c.weight, shape,
                                             c.options),
          .timing = timings.first,
          .float32 = timings.second,
          .operations = 2.0 * double(shape.numel() * c.weight.product(1, 4)),
          .error = largest_error(single(precision), run(DType::float64)())};
}

}  // namespace hebb::bench
