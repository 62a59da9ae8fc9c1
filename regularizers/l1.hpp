#pragma once

#include <vector>

#include "core/api.hpp"
#include "regularizers/regularizer.hpp"
#include "regularizers/scope.hpp"

namespace HEBB_API hebb {

struct L1Options {
  double lambda = 1e-4;  ///< Strength, finite and at least 0.
  /// In its place, of each of R replicas: float64 [R], on the network's device.
  Tensor lambdas = {};
  PenaltyScope scope = PenaltyScope::dense_weights;
};

/// λ Σ|w|, whose derivative at 0 is 0.
class L1 final : public Regularizer {
 public:
  /// `parameters` are for the scope of all parameters alone. ValueError for a strength out of
  /// range, or that scope without parameters.
  explicit L1(L1Options options = {}, std::vector<NamedTensor> parameters = {});

  std::string name() const override;
  Tensor penalty(std::span<const DenseTap> taps) const override;

 private:
  L1Options options_;
  std::vector<NamedTensor> parameters_;
};

}  // namespace hebb
