#pragma once

#include <limits>
#include <vector>

#include "core/tensor.hpp"

/// For tests that write their numbers out.
namespace hebb::test {

using Floats = std::vector<float>;
inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float nan = std::numeric_limits<float>::quiet_NaN();

inline Tensor vector_of(const Floats& values) {
  return Tensor::from(values, {int64_t(values.size())});
}

}  // namespace hebb::test
