#pragma once

#include <cstdint>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

struct Pca {
  Tensor components;              ///< float64 [K, D], unit rows, of most variance first.
  Tensor projected;               ///< float64 [N, K], the centered points along each of them.
  std::vector<double> variances;  ///< [K], with N in the denominator.
};

/// The first `components` principal components of the rows of `points` [N, D]. Each component's
/// entry of largest magnitude is positive. ValueError unless 1 <= components <= D.
Pca pca(const Tensor& points, int64_t components = 2);

}  // namespace hebb
