#pragma once

#include <vector>

#include "core/api.hpp"
#include "layers/activation.hpp"
#include "layers/init.hpp"
#include "layers/sequential.hpp"

namespace HEBB_API hebb {

struct MlpOptions {
  Activation::Kind activation = Activation::Kind::relu;
  double dropout = 0;  ///< Probability, after each hidden layer's activation function.
  Initializer init = {};
  Generator generator = Generator(0);  ///< Decides the initial weights.
};

/// Dense layers fc1, fc2, ... of the given widths, from the input to the classes, with an
/// activation function after each but the last: mlp({784, 500, 10}). Takes [S, ...], flattened
/// here. ValueError for fewer than two widths or one below 1.
Sequential mlp(const std::vector<int64_t>& widths, const MlpOptions& options = {});

}  // namespace hebb
