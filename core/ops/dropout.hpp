#pragma once

#include "core/random.hpp"
#include "core/tensor.hpp"

namespace hebb {

/// Sets each element to zero with probability p in [0, 1) and scales the others by 1 / (1 - p)
/// (Srivastava et al. 2014). The mask depends on the generator's state alone; p = 0 draws nothing.
Tensor dropout(const Tensor& x, double p, Generator& generator);

}  // namespace hebb
