#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

/// How few connections a trained dense layer can do with. Weights are those of the layer itself,
/// [M, N] with a column for each neuron that enters, and pruned weights come back as the layer
/// takes them: same shape, element type and device, outside any graph, with removed connections 0.
namespace HEBB_API hebb {

/// The share of elements with |w| < threshold, in [0, 1].
double sparsity(const Tensor& weight, double threshold);

/// Keeps the strongest round(kept M N) connections, by |w|. ValueError unless 0 <= kept <= 1;
/// ShapeError unless `weight` is a matrix (both for every function here).
Tensor prune_by_magnitude(const Tensor& weight, double kept);

/// Keeps as many connections, but the bundles from whole assemblies to one target stand or fall
/// together: bundles go from weakest to strongest mean |w|, and the one at the limit loses its
/// weakest connections. `assemblies` [N] labels the neurons, with any integers.
Tensor prune_by_assembly(const Tensor& weight, std::span<const int64_t> assemblies, double kept);

struct PruneNeuronsOptions {
  /// Multiplies the weights that an assembly keeps by its neurons before over its neurons after:
  /// where the neurons of an assembly fire and wire alike, the layer then computes the same.
  bool compensate = true;
};

/// Keeps in each assembly the ceil(kept n) neurons of largest Σ|w|, out of its n, and removes all
/// connections of the others.
Tensor prune_neurons(const Tensor& weight, std::span<const int64_t> assemblies, double kept,
                     const PruneNeuronsOptions& options = {});

struct PruningPoint {
  double connections;  ///< Share of the connections that are not 0.
  double accuracy;
};

/// One point for each entry of `kept`: prune(share) gives a weight, accuracy(weight) judges it.
std::vector<PruningPoint> pruning_curve(std::span<const double> kept,
                                        const std::function<Tensor(double)>& prune,
                                        const std::function<double(const Tensor&)>& accuracy);

/// Where accuracy falls: the point of fewest connections such that neither it nor any point with
/// more connections is more than `tolerance` below the point with the most. ValueError for a curve
/// without points.
PruningPoint smallest_without_loss(std::vector<PruningPoint> curve, double tolerance);

}  // namespace hebb
