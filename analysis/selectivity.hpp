#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Mean activations of a layer's neurons, for each class and over all samples, gathered batch by
/// batch in one pass over a data set. Sums are in float64 and in the order of the samples: how the
/// data are cut into batches changes no bit.
class ClassActivations {
 public:
  explicit ClassActivations(int64_t classes);

  /// Takes in activations [S, N] (any device, any floating type) of samples with `labels` [S]. The
  /// first call sets N. ShapeError when the shapes do not fit, ValueError for a label outside
  /// [0, classes) or an activation that is not finite.
  void add(const Tensor& activations, std::span<const int64_t> labels);

  int64_t samples() const;
  const std::vector<int64_t>& counts() const { return counts_; }  ///< [classes], samples of each.

  /// float64 [classes, N]. ValueError when a class has no samples.
  Tensor class_means() const;
  /// float64 [N], over all samples; ValueError without samples.
  Tensor mean() const;

 private:
  int64_t classes_, neurons_ = -1;
  std::vector<double> sums_;  // [classes, N]
  std::vector<int64_t> counts_;
};

struct Selectivity {
  std::vector<double> index;            ///< [N]; 0 for dead neurons.
  std::vector<int64_t> most_selective;  ///< [N], class of highest mean activation; -1 if dead.
  int64_t dead = 0;                     ///< How many neurons are.

  bool is_dead(int64_t neuron) const { return most_selective[neuron] < 0; }
};

struct SelectivityOptions {
  /// A neuron is dead when no class's mean activation has a magnitude above this.
  double dead_below = 0;
};

/// The class selectivity of each neuron, (μ_max - μ_-max) / (μ_max + μ_-max), where μ_max is its
/// highest class-conditional mean and μ_-max its mean over the other classes, the mean of their
/// means (Sec. 3.1.1; Morcos et al., ICLR 2018): 0 for a neuron that answers all classes alike, 1
/// for one that answers a single class. Meant for activations that are not negative; 0 where the
/// denominator is not positive.
///
/// `class_means` [classes, N], as ClassActivations gives them. ValueError with fewer than two
/// classes.
Selectivity selectivity(const Tensor& class_means, const SelectivityOptions& options = {});

}  // namespace hebb
