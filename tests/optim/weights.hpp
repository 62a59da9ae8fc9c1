#pragma once

#include <vector>

#include "layers/module.hpp"

namespace hebb::test {

/// All parameters of a model, one after the other.
inline std::vector<float> weights_of(const Module& model) {
  std::vector<float> all;
  for (const NamedTensor& parameter : model.parameters())
    for (const float value : parameter.tensor.to_vector<float>()) all.push_back(value);
  return all;
}

}  // namespace hebb::test
