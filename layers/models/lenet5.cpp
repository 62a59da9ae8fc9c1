#include "layers/models/lenet5.hpp"

#include "core/check.hpp"
#include "layers/conv2d.hpp"
#include "layers/dropout.hpp"
#include "layers/flatten.hpp"
#include "layers/linear.hpp"
#include "layers/pooling.hpp"

namespace hebb {

Sequential lenet5(const LeNet5Options& options) {
  const Shape& input = options.input;
  check<ShapeError>(input.rank() == 3 && input[0] >= 1 && input[1] >= 12 && input[2] >= 12,
                    "[lenet5] expected images [C, H, W] of at least 12 x 12 pixels, got {}", input);
  const auto pooled = [](int64_t size) { return (size / 2 - 4) / 2; };
  const int64_t features = 16 * pooled(input[1]) * pooled(input[2]);
  const Initializer& init = options.init;
  Generator generator = options.generator;

  Sequential net;
  const auto add_activation = [&](const char* name) {
    net.add(name, Activation(options.activation));
  };
  const auto add_dropout = [&](const char* name) {
    if (options.dropout != 0) net.add(name, Dropout({.p = options.dropout}));
  };
  net.add("unflatten", Unflatten(input));
  net.add("conv1",
          Conv2d({.in = input[0], .out = 6, .kernel = 5, .padding = 2, .init = init}, generator));
  // The activation functions rise, so they commute with max-pooling: this order gives the same
  // numbers and gradients with a quarter of the work.
  net.add("pool1", MaxPool2d({.kernel = 2}));
  add_activation("activation1");
  net.add("conv2", Conv2d({.in = 6, .out = 16, .kernel = 5, .init = init}, generator));
  net.add("pool2", MaxPool2d({.kernel = 2}));
  add_activation("activation2");
  net.add("flatten", Flatten());
  net.add("fc1", Linear({.in = features, .out = 120, .init = init}, generator));
  add_activation("activation3");
  add_dropout("dropout1");
  net.add("fc2", Linear({.in = 120, .out = 84, .init = init}, generator));
  add_activation("activation4");
  add_dropout("dropout2");
  net.add("fc3", Linear({.in = 84, .out = options.classes, .init = init}, generator));
  return net;
}

}  // namespace hebb
