#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

struct MutualInformationOptions {
  /// `neighbors`: from distances to the k nearest samples with the same label (Ross, PLoS ONE
  /// 2014), as scikit-learn's mutual_info_classif. `bins`: from a histogram of the activation with
  /// bins of equal width, quicker and biased upwards.
  enum class Estimator { neighbors, bins } estimator = Estimator::neighbors;
  int64_t neighbors = 10;
  int64_t bins = 20;
  /// Of the noise, 1e-10 of a standard deviation, that tells equal activations (the many zeros of
  /// ReLU) apart for `neighbors`.
  uint64_t seed = 0;
};

/// I(neuron; factor) in nats, float64 [N, F], at least 0: for activations [S, N] and factors
/// [S, F] (int64, on the CPU) with any integer labels. Each neuron's values are scaled to unit
/// variance first. ShapeError when the shapes do not fit, ValueError for options below 1.
Tensor mutual_information(const Tensor& activations, const Tensor& factors,
                          const MutualInformationOptions& options = {});

/// Classes as factors, each its own: int64 [S, classes], 1 where a sample has the class.
/// ValueError for a label outside [0, classes).
Tensor class_factors(std::span<const int64_t> labels, int64_t classes);

struct InformationRatio {
  /// 1 when each active neuron carries one factor only, 0 when each carries all of them alike.
  double ratio = 0;
  std::vector<double> share;  ///< [N], r_n; 0 for inactive neurons.
  std::vector<bool> active;   ///< [N].
};

/// The mutual-information ratio of Whittington et al. (ICLR 2023), for how far neurons carry one
/// factor each. With r_n = max_f I(n; f) / Σ_f I(n; f), each I divided by the factor's entropy,
/// and r the mean of r_n over active neurons: (r - 1/F) / (1 - 1/F). A neuron is active when the
/// range of its activations is more than a twentieth of the largest range. The paper's equation is
/// given in words; this form is that of its authors' later code. A neuron with no information
/// about any factor has r_n = 1/F. The ratio is 0 without active neurons.
///
/// Arguments as for mutual_information; ValueError also for fewer than two factors, or for a
/// factor with a single label.
InformationRatio information_ratio(const Tensor& activations, const Tensor& factors,
                                   const MutualInformationOptions& options = {});

}  // namespace hebb
