#pragma once

#include "core/api.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"

/// Random numbers into x, in place; they depend on the generator's state alone. ValueError for
/// arguments that make no distribution.
namespace HEBB_API hebb {

void fill_uniform(const Tensor& x, double lower, double upper, Generator& generator);
void fill_normal(const Tensor& x, double mean, double stddev, Generator& generator);
/// Normal numbers of mean 0 cut at ±limit standard deviations (by the inverse distribution).
void fill_truncated_normal(const Tensor& x, double stddev, double limit, Generator& generator);

}  // namespace hebb
