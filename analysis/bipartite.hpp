#pragma once

#include <cstdint>
#include <vector>

#include "core/api.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// A graph between the neurons of one layer and those of the next.
struct BipartiteGraph {
  struct Edge {
    int64_t neuron, target;
    double weight;
  };
  int64_t neurons = 0, targets = 0;
  std::vector<Edge> edges;  ///< By neuron, then by target; no pair twice.
};

/// The connections with |w| > threshold among outgoing weights W [N, M] (see outgoing_weights), as
/// drawn in Fig. 6(b). |tanh(γ w)| grows with |w|, so a threshold on the connection's strength of
/// Eq. 3 gives the same graphs. ValueError when the threshold is negative.
BipartiteGraph strong_connections(const Tensor& outgoing, double threshold);

/// Subgraphs of a bipartite graph, each counted once, as a set of edges.
struct FourCycles {
  /// Cycles of four edges: two neurons and two targets that they share,
  /// Σ over pairs of neurons of C(common targets, 2).
  int64_t four_cycles = 0;
  /// Paths of three edges over four different vertices (open, or part of a 4-cycle),
  /// Σ over edges of (degree(neuron) - 1) (degree(target) - 1).
  int64_t three_paths = 0;

  /// C4 of Eq. 8 as printed: 4-cycles over 3-paths. A 4-cycle holds four 3-paths, so it lies in
  /// [0, 1/4]; 0 without any 3-path.
  double coefficient() const {
    return three_paths > 0 ? double(four_cycles) / double(three_paths) : 0;
  }
  /// The share of 3-paths that a fourth edge closes, 4 C4, in [0, 1]: the global clustering
  /// coefficient of Robins & Alexander (2004), which Eq. 8 cites.
  double closure() const { return 4 * coefficient(); }
};

FourCycles count_four_cycles(const BipartiteGraph& graph);

}  // namespace hebb
