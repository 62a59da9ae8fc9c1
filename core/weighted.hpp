#pragma once

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// A term of a sum: one element of float32, float64 or int64; undefined: no term.
struct Weighted {
  Tensor value;
  double weight = 1;
};

}  // namespace hebb
