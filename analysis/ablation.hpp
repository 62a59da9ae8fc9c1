#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// What Context::edit_dense_input takes.
using DenseInputEdit = std::function<Tensor(const std::string& layer, const Tensor& input)>;

/// An edit that ablates `neurons` among those that enter the dense layer named `layer`, after
/// their activation function: sets them to 0, or, given `means` [N] (ClassActivations::mean),
/// clamps them to their means. Other layers' inputs pass as they are. Works on any device and is
/// differentiable. The edit throws ValueError for a neuron outside [0, N), and ShapeError for
/// means that do not fit the input [S, N].
DenseInputEdit ablate(std::string layer, std::vector<int64_t> neurons, Tensor means = {});

/// The neurons of each label 0..groups-1, ascending; those with a negative label are in no group
/// (dead neurons of Selectivity::most_selective). ValueError for a label >= groups.
std::vector<std::vector<int64_t>> neuron_groups(std::span<const int64_t> labels, int64_t groups);

/// Counts right answers class by class, batch by batch.
class ClassAccuracy {
 public:
  explicit ClassAccuracy(int64_t classes);

  /// ShapeError when there are not as many predictions as labels, ValueError for a label outside
  /// [0, classes).
  void add(std::span<const int64_t> predictions, std::span<const int64_t> labels);

  /// [classes], in [0, 1]. ValueError when a class has no samples.
  std::vector<double> per_class() const;
  double overall() const;  ///< Over all samples. ValueError without samples.

 private:
  std::vector<int64_t> correct_, total_;
};

/// Evaluates the network with the given neurons ablated; returns its accuracy for each class.
using AblatedAccuracy = std::function<std::vector<double>(std::span<const int64_t> neurons)>;

struct AblationStudy {
  std::vector<double> baseline;  ///< [C], nothing ablated.
  Tensor change;                 ///< float64 [G, C]: accuracy with group g ablated - baseline.
};

/// Ablates one group of neurons at a time (Fig. 5). Groups without neurons cost no evaluation and
/// change nothing. ShapeError when `accuracy` does not always return the same number of classes.
AblationStudy ablation_study(const std::vector<std::vector<int64_t>>& groups,
                             const AblatedAccuracy& accuracy);

/// How far ablating a group harms its own class and no other.
struct Diagonality {
  double own = 0;    ///< Mean over groups of the change of their own class.
  double other = 0;  ///< Mean over groups of the mean change of the other classes.
  /// Groups whose own class loses, and loses more than any other class.
  int64_t diagonal_groups = 0;

  /// 1 when each group is all that its class needs and nothing else uses it; 0 when the own class
  /// changes as the others do.
  double score() const { return other - own; }
};

/// Judges the changes [G, C] of an ablation study. Group g belongs to class `own`[g]; without
/// `own`, to class g. Empty groups count, with changes of 0. ShapeError when the sizes do not fit,
/// ValueError for a class that is not there or fewer than two classes.
Diagonality diagonality(const Tensor& change, std::span<const int64_t> own = {});

}  // namespace hebb
