#pragma once

#include <span>
#include <string>
#include <vector>

#include "analysis/analysis.hpp"
#include "apps/assemblies/models.hpp"

namespace hebb::apps {

/// The last dense layer of a network, and what entered it from each sample of a data set. All that
/// comes after it is the choice of the class, so the analysis needs no other pass of the network.
struct LastLayer {
  std::string name;
  Tensor neurons;  ///< [S, N], activations.
  Tensor weight;   ///< [M, N]
  Tensor bias;     ///< [M], or undefined.
  std::vector<int64_t> labels;
  int64_t classes = 0;
};
/// One pass over the data, each image through `transform` where there is one. ValueError when the
/// network does not end with a dense layer.
LastLayer look_at(const Module& model, const Dataset& data, const Transform& transform = {});

struct MeasureOptions {
  int64_t clusters = 10;
  uint64_t seed = 0;
};

/// Clusters of the neurons' points in some space.
struct Clusters {
  KMeans kmeans;
  Silhouette euclidean, squared;
  int64_t best_count = 0;  ///< Number of clusters with the greatest mean silhouette.
};

struct PruningCurve {
  std::string name;
  std::vector<PruningPoint> points;
  PruningPoint smallest;  ///< With at most a point of accuracy lost.
};

/// Everything that the report says about one trained network.
struct Measures {
  uint64_t seed = 0;  ///< Of the training.
  std::string layer;
  double accuracy = 0;
  Tensor outgoing;  ///< [N, M]
  Tensor plane;     ///< [N, 2], t-SNE of the outgoing weights.
  Clusters weights, on_plane;
  double alive_silhouette = 0;  ///< Of the weights, clustered without dead neurons.
  Tensor class_means;           ///< [classes, N]
  Selectivity selectivity;
  double mean_selectivity = 0;  ///< Of neurons that are not dead.
  int64_t largest_group = 0;    ///< Most neurons that share their most selective class.
  double ari = 0, nmi = 0, purity = 0, information_ratio = 0;
  AblationStudy by_class;  ///< Groups: most selective classes.
  Diagonality by_class_score, by_assembly_score;
  BipartiteGraph graph;
  double graph_threshold = 0;  ///< The root mean square of the weights.
  FourCycles cycles;
  double near_zero = 0;  ///< Share of weights below 0.01.
  std::vector<PruningCurve> pruning;

  int64_t neurons() const { return outgoing.size(0); }
};

Measures measure(const LastLayer& layer, const MeasureOptions& options);

/// A network with its measures, one for each seed of its training.
struct Analysed {
  ModelSpec spec;
  std::vector<Measures> runs;
  std::vector<std::string> origins;  ///< Where each run's weights come from.
  const Measures& first() const { return runs.front(); }
};

/// A column of the report's tables.
struct Quantity {
  const char *table, *key, *title;
  int decimals;
  double (*of)(const Measures&);
};
std::span<const Quantity> quantities();
MeanSummary summarize(const Analysed& model, const Quantity& quantity);

}  // namespace hebb::apps
