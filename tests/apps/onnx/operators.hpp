#pragma once

#include "tests/apps/onnx/graph.hpp"

namespace hebb::test {

std::map<std::string, Function> arithmetic();  ///< Elementwise operators, reductions, products.
std::map<std::string, Function> layouts();     ///< What moves data about.
std::map<std::string, Function> layers();      ///< Convolution, pooling, normalisation, losses.

}  // namespace hebb::test
