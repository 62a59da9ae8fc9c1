#include "analysis/bipartite.hpp"

#include <algorithm>
#include <cmath>

#include "analysis/matrix.hpp"
#include "core/check.hpp"

namespace hebb {

BipartiteGraph strong_connections(const Tensor& outgoing, double threshold) {
  check(threshold >= 0, "[strong_connections] expected a threshold of at least 0, got {}",
        threshold);
  const Matrix weights(outgoing, "strong_connections");
  BipartiteGraph graph{.neurons = weights.rows(), .targets = weights.cols(), .edges = {}};
  for (int64_t i = 0; i < graph.neurons; ++i)
    for (int64_t k = 0; k < graph.targets; ++k)
      if (std::abs(weights(i, k)) > threshold) graph.edges.push_back({i, k, weights(i, k)});
  return graph;
}

FourCycles count_four_cycles(const BipartiteGraph& graph) {
  std::vector<std::vector<int64_t>> targets_of(graph.neurons), neurons_of(graph.targets);
  for (const auto& edge : graph.edges) {
    targets_of[edge.neuron].push_back(edge.target);
    neurons_of[edge.target].push_back(edge.neuron);
  }

  FourCycles count;
  std::vector<int64_t> common(graph.neurons);
  for (int64_t i = 0; i < graph.neurons; ++i) {
    std::fill(common.begin(), common.end(), 0);
    for (const int64_t k : targets_of[i])
      for (const int64_t j : neurons_of[k]) ++common[j];
    for (int64_t j = i + 1; j < graph.neurons; ++j)
      count.four_cycles += common[j] * (common[j] - 1) / 2;
  }
  for (const auto& edge : graph.edges)
    count.three_paths +=
        (std::ssize(targets_of[edge.neuron]) - 1) * (std::ssize(neurons_of[edge.target]) - 1);
  return count;
}

}  // namespace hebb
