#pragma once

#include "core/api.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Sets each element to zero with probability p in [0, 1) and scales the others by 1 / (1 - p)
/// (Srivastava et al. 2014). Element i is kept where to_unit_float(word i) >= p for the words that
/// the generator sets aside, so the mask depends on its state alone; p = 0 draws nothing.
/// ValueError for p outside [0, 1).
Tensor dropout(const Tensor& x, double p, Generator& generator);

}  // namespace hebb
