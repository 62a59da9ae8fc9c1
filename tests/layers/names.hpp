#pragma once

#include <string>
#include <vector>

#include "layers/module.hpp"

namespace hebb::test {

inline std::vector<std::string> names(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> result;
  for (const NamedTensor& tensor : tensors) result.push_back(tensor.name);
  return result;
}

}  // namespace hebb::test
