#include "apps/train/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/precision.hpp"
#include "layers/conv2d.hpp"

namespace hebb::apps {

std::string explain_kernels(const Module& model, const Shape& input, int64_t batch) {
  std::vector<std::string> lines;
  Context context;
  context.observe = [&](const Module& module, const Tensor& x, const Tensor& y) {
    const auto* conv = dynamic_cast<const Conv2d*>(&module);
    if (!conv) return;
    const auto path = [&](ConvDirection direction) {
      const auto with_batch = [&](const Shape& shape) {
        return shape.without(0).inserted(0, batch);
      };
      return backend_of(x)->conv2d_path(direction, x.dtype(), with_batch(x.shape()),
                                        conv->weight().shape(), with_batch(y.shape()),
                                        conv->options());
    };
    const std::string line =
        fmt::format("{:<52} {:<15} {:<14} {:<14} {}\n", conv->description(),
                    x.shape().without(0).to_string(), path(ConvDirection::forward),
                    path(ConvDirection::backward_input), path(ConvDirection::backward_weight));
    if (std::find(lines.begin(), lines.end(), line) == lines.end()) lines.push_back(line);
  };
  const NoGrad no_grad;
  const TensorOptions like = model.parameters().front().tensor.options();
  model(network_input(Tensor::zeros(input.inserted(0, 1), like)), context);
  return fmt::format("{:<52} {:<15} {:<14} {:<14} {}\n{}", "convolution", "input", "forward",
                     "input gradient", "weight gradient", fmt::join(lines, ""));
}

}  // namespace hebb::apps
