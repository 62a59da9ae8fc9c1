#pragma once

#include <vector>

#include "core/api.hpp"
#include "regularizers/regularizer.hpp"
#include "regularizers/scope.hpp"

namespace HEBB_API hebb {

struct WeightDecayOptions {
  double lambda = 1e-4;  ///< Strength, finite and at least 0.
  /// In its place, of each of R replicas: float64 [R], on the network's device.
  Tensor lambdas = {};
  PenaltyScope scope = PenaltyScope::dense_weights;
};

/// λ Σ w², with the derivative 2 λ w: PyTorch's weight_decay of an SGD or Adam without decoupling
/// is 2 λ here. Decoupled decay is AdamW's own (optim/adam.hpp).
class WeightDecay final : public Regularizer {
 public:
  /// `parameters` are for the scope of all parameters alone. ValueError for a strength out of
  /// range, or that scope without parameters.
  explicit WeightDecay(WeightDecayOptions options = {}, std::vector<NamedTensor> parameters = {});

  std::string name() const override;
  Tensor penalty(std::span<const DenseTap> taps) const override;

 private:
  WeightDecayOptions options_;
  std::vector<NamedTensor> parameters_;
};

}  // namespace hebb
