#pragma once

#include "core/api.hpp"
#include "regularizers/regularizer.hpp"

namespace HEBB_API hebb {

struct EnergyOptions {
  double activity = 0;       ///< β_activity, finite and at least 0, like the others.
  double weight = 0;         ///< β_weight
  double nonnegativity = 0;  ///< β_nonneg
};

/// The biological constraints of Whittington, Dorrell, Ganguli and Behrens (ICLR 2023): little
/// energy in activity and in weights, and no negative activity,
///
///   β_activity Σ ‖a‖² + β_weight Σ ‖W‖² + β_nonneg Σ max(-a, 0),
///
/// where the terms in a are means over the batch. a are the neurons that feed dense layers, that
/// is the inputs [S, N] of all taps but those on raw pixels, as they enter the layer (after
/// activation function and dropout); W are the weights of all dense layers.
class Energy final : public Regularizer {
 public:
  explicit Energy(EnergyOptions options = {});  ///< ValueError for a strength out of range.

  std::string name() const override;
  Tensor penalty(std::span<const DenseTap> taps) const override;

 private:
  EnergyOptions options_;
};

}  // namespace hebb
