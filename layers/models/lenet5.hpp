#pragma once

#include "core/api.hpp"
#include "layers/activation.hpp"
#include "layers/init.hpp"
#include "layers/sequential.hpp"

namespace HEBB_API hebb {

struct LeNet5Options {
  Shape input = {1, 28, 28};  ///< [C, H, W], with H and W of at least 12.
  int64_t classes = 10;
  Activation::Kind activation = Activation::Kind::relu;
  double dropout = 0;  ///< Probability, after the activation functions of fc1 and fc2.
  Initializer init = {};
  Generator generator = Generator(0);  ///< Decides the initial weights.
};

/// LeNet-5 as in the published code of BEAN: conv1 (6 kernels 5×5, padding 2), ReLU, max-pool 2;
/// conv2 (16 kernels 5×5), ReLU, max-pool 2; fc1 (120), ReLU, fc2 (84), ReLU, fc3. It has 61,706
/// parameters for 28×28 pixels. Pooling comes before ReLU here, which gives the same numbers. Takes
/// [S, C, H, W] or [S, C·H·W]. ShapeError for an input that is no image or too small.
Sequential lenet5(const LeNet5Options& options = {});

}  // namespace hebb
