#pragma once

#include <span>

#include "core/api.hpp"
#include "core/random.hpp"
#include "core/row_share.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Sets each element to zero with probability p in [0, 1) and scales the others by 1 / (1 - p)
/// (Srivastava et al. 2014). Element i is kept where to_unit_float(word i) >= p for the words that
/// the generator sets aside, so the mask depends on its state alone; p = 0 draws nothing. Rows of a
/// batch that is shared get the words that the whole batch gives them, and the generator sets aside
/// those of the whole. ValueError for p outside [0, 1), or rows outside their batch.
Tensor dropout(const Tensor& x, double p, Generator& generator, const RowShare& rows = {});
/// The same of replicas, x [R, ...], each by its own of R generators. There is one p for all or one
/// for each; if one of them is not 0, all generators set words aside.
Tensor dropout(const Tensor& x, std::span<const double> p, std::span<Generator> generators);

}  // namespace hebb
