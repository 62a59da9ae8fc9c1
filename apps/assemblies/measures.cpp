#include "apps/assemblies/measures.hpp"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/ops.hpp"
#include "data/loader.hpp"

namespace hebb::apps {
namespace {

constexpr int64_t information_samples = 2000;
constexpr double tolerated_loss = 0.01;
constexpr double shares[] = {1,   0.9,  0.8,  0.7, 0.6,  0.5,  0.4,  0.3, 0.25,
                             0.2, 0.15, 0.12, 0.1, 0.07, 0.05, 0.03, 0.01};

ClassAccuracy judge(const LastLayer& layer, const Tensor& neurons, const Tensor& weight) {
  ClassAccuracy accuracy(layer.classes);
  accuracy.add(argmax(linear(neurons, weight, layer.bias), 1).to_vector<int64_t>(), layer.labels);
  return accuracy;
}

Clusters find_clusters(const Tensor& points, const MeasureOptions& options) {
  Clusters found;
  found.kmeans = kmeans(points, {.clusters = options.clusters, .seed = options.seed});
  found.euclidean = silhouette(points, found.kmeans.labels);
  found.squared = silhouette(points, found.kmeans.labels, Metric::squared_euclidean);
  found.best_count = best(cluster_sweep(points, {.last = std::min<int64_t>(15, points.size(0) - 1),
                                                 .restarts = 20,
                                                 .seed = options.seed}))
                         .clusters();
  return found;
}

void measure_selectivity(const LastLayer& layer, const MeasureOptions& options, Measures& m) {
  ClassActivations activations(layer.classes);
  activations.add(layer.neurons, layer.labels);
  m.class_means = activations.class_means();
  m.selectivity = selectivity(m.class_means);

  std::vector<int64_t> alive, assemblies, classes, sizes(static_cast<size_t>(layer.classes));
  for (int64_t i = 0; i < m.neurons(); ++i) {
    if (m.selectivity.is_dead(i)) continue;
    alive.push_back(i);
    assemblies.push_back(m.weights.kmeans.labels[i]);
    classes.push_back(m.selectivity.most_selective[i]);
    m.mean_selectivity += m.selectivity.index[i];
    ++sizes[classes.back()];
  }
  check(!alive.empty(), "no neuron of {} answers any sample", layer.name);
  m.mean_selectivity /= double(alive.size());
  m.largest_group = std::ranges::max(sizes);
  m.ari = adjusted_rand_index(assemblies, classes);
  m.nmi = normalized_mutual_information(assemblies, classes);
  m.purity = purity(assemblies, classes);
  if (std::ssize(alive) > options.clusters) {
    const Tensor points = reorder_rows(m.outgoing, alive);
    const KMeans found = kmeans(points, {.clusters = options.clusters, .seed = options.seed});
    m.alive_silhouette = silhouette(points, found.labels).mean;
  }
  const int64_t samples = std::min(layer.neurons.size(0), information_samples);
  const std::span<const int64_t> labels(layer.labels.data(), static_cast<size_t>(samples));
  m.information_ratio =
      information_ratio(layer.neurons.slice(0, samples), class_factors(labels, layer.classes))
          .ratio;

  const AblatedAccuracy ablated = [&](std::span<const int64_t> neurons) {
    const auto edit = ablate(layer.name, {neurons.begin(), neurons.end()});
    return judge(layer, edit(layer.name, layer.neurons), layer.weight).per_class();
  };
  m.by_class = ablation_study(neuron_groups(m.selectivity.most_selective, layer.classes), ablated);
  m.by_class_score = diagonality(m.by_class.change);

  // An assembly stands for the class that most of its living neurons prefer.
  const auto all = neuron_groups(m.weights.kmeans.labels, options.clusters);
  std::vector<std::vector<int64_t>> groups;
  for (const int64_t assembly : std::set(assemblies.begin(), assemblies.end()))
    groups.push_back(all[assembly]);
  m.by_assembly_score =
      diagonality(ablation_study(groups, ablated).change, majority_classes(assemblies, classes));
}

void measure_wiring(const LastLayer& layer, Measures& m) {
  double squares = 0;
  for (const double w : m.outgoing.host<double>()) squares += w * w;
  m.graph_threshold = std::sqrt(squares / double(m.outgoing.numel()));
  m.graph = strong_connections(m.outgoing, m.graph_threshold);
  m.cycles = count_four_cycles(m.graph);
  m.near_zero = sparsity(layer.weight, 0.01);

  const auto& assemblies = m.weights.kmeans.labels;
  const auto curve = [&](const char* name, const std::function<Tensor(double)>& prune) {
    PruningCurve result{.name = name, .points = {}, .smallest = {}};
    result.points = pruning_curve(shares, prune, [&](const Tensor& weight) {
      return judge(layer, layer.neurons, weight).overall();
    });
    result.smallest = smallest_without_loss(result.points, tolerated_loss);
    m.pruning.push_back(std::move(result));
  };
  curve("weakest connections", [&](double kept) { return prune_by_magnitude(layer.weight, kept); });
  curve("bundles of assemblies",
        [&](double kept) { return prune_by_assembly(layer.weight, assemblies, kept); });
  curve("neurons of each assembly",
        [&](double kept) { return prune_neurons(layer.weight, assemblies, kept); });
}

constexpr Quantity table[] = {
    {"accuracy", "accuracy_percent", "test accuracy, %", 2,
     [](const Measures& m) { return 100 * m.accuracy; }},
    {"accuracy", "neurons", "neurons", 0, [](const Measures& m) { return double(m.neurons()); }},
    {"accuracy", "dead", "dead", 1, [](const Measures& m) { return double(m.selectivity.dead); }},
    {"silhouettes", "silhouette_weights", "weights", 3,
     [](const Measures& m) { return m.weights.euclidean.mean; }},
    {"silhouettes", "silhouette_weights_squared", "weights, squared", 3,
     [](const Measures& m) { return m.weights.squared.mean; }},
    {"silhouettes", "silhouette_weights_alive", "weights, without dead", 3,
     [](const Measures& m) { return m.alive_silhouette; }},
    {"silhouettes", "silhouette_plane", "plane", 3,
     [](const Measures& m) { return m.on_plane.euclidean.mean; }},
    {"silhouettes", "silhouette_plane_squared", "plane, squared", 3,
     [](const Measures& m) { return m.on_plane.squared.mean; }},
    {"silhouettes", "best_k_weights", "best k, weights", 1,
     [](const Measures& m) { return double(m.weights.best_count); }},
    {"silhouettes", "best_k_plane", "best k, plane", 1,
     [](const Measures& m) { return double(m.on_plane.best_count); }},
    {"classes", "mean_selectivity", "mean selectivity", 3,
     [](const Measures& m) { return m.mean_selectivity; }},
    {"classes", "largest_group", "neurons of the commonest class", 1,
     [](const Measures& m) { return double(m.largest_group); }},
    {"classes", "purity", "purity", 3, [](const Measures& m) { return m.purity; }},
    {"classes", "adjusted_rand_index", "adjusted Rand index", 3,
     [](const Measures& m) { return m.ari; }},
    {"classes", "normalized_mutual_information", "NMI", 3, [](const Measures& m) { return m.nmi; }},
    {"classes", "mutual_information_ratio", "MI ratio", 3,
     [](const Measures& m) { return m.information_ratio; }},
    {"ablation", "own_class_change", "own class", 3,
     [](const Measures& m) { return m.by_class_score.own; }},
    {"ablation", "other_class_change", "other classes", 3,
     [](const Measures& m) { return m.by_class_score.other; }},
    {"ablation", "diagonality", "diagonality", 3,
     [](const Measures& m) { return m.by_class_score.score(); }},
    {"ablation", "diagonal_groups", "diagonal groups", 1,
     [](const Measures& m) { return double(m.by_class_score.diagonal_groups); }},
    {"ablation", "diagonality_assemblies", "diagonality by assembly", 3,
     [](const Measures& m) { return m.by_assembly_score.score(); }},
    {"wiring", "near_zero", "|w| < 0.01", 3, [](const Measures& m) { return m.near_zero; }},
    {"wiring", "strong_share", "strong connections", 3,
     [](const Measures& m) { return double(m.graph.edges.size()) / double(m.outgoing.numel()); }},
    {"wiring", "c4", "C4 (Eq. 8)", 4, [](const Measures& m) { return m.cycles.coefficient(); }},
    {"wiring", "c4_closure", "share of closed 3-paths", 3,
     [](const Measures& m) { return m.cycles.closure(); }},
    {"wiring", "kept_by_magnitude", "kept, by magnitude", 3,
     [](const Measures& m) { return m.pruning[0].smallest.connections; }},
    {"wiring", "kept_by_assembly", "kept, by assembly", 3,
     [](const Measures& m) { return m.pruning[1].smallest.connections; }},
    {"wiring", "kept_by_neurons", "kept, neurons of assemblies", 3,
     [](const Measures& m) { return m.pruning[2].smallest.connections; }},
};

}  // namespace

LastLayer look_at(const Module& model, const Dataset& data, const Transform& transform) {
  LastLayer layer;
  std::vector<float> values;
  int64_t width = 0;
  const NoGrad no_grad;
  for (const Batch& batch :
       Loader(data, {.batch_size = 500, .shuffle = false, .prefetch = 0, .transform = transform})) {
    std::vector<DenseTap> taps;
    Context context{.taps = &taps};
    const Tensor output = model(batch.images, context);
    check(!taps.empty() && taps.back().output.shape() == output.shape(),
          "the network does not end with a dense layer");
    const DenseTap& last = taps.back();
    const std::vector<float> rows = last.input.to_vector<float>();
    values.insert(values.end(), rows.begin(), rows.end());
    const auto labels = batch.labels.to_vector<int64_t>();
    layer.labels.insert(layer.labels.end(), labels.begin(), labels.end());
    layer.name = *last.name;
    layer.weight = last.weight.detach();
    if (last.bias.defined()) layer.bias = last.bias.detach();
    width = last.input.size(1);
  }
  layer.neurons = Tensor::from(values, {std::ssize(layer.labels), width});
  layer.classes = data.classes;
  return layer;
}

Measures measure(const LastLayer& layer, const MeasureOptions& options) {
  const NoGrad no_grad;
  Measures m;
  m.layer = layer.name;
  m.accuracy = judge(layer, layer.neurons, layer.weight).overall();
  m.outgoing = outgoing_weights(layer.weight);
  check(m.neurons() > options.clusters, "{} has {} neurons, too few for {} assemblies", layer.name,
        m.neurons(), options.clusters);
  m.plane = tsne(m.outgoing,
                 {.perplexity = std::min(30.0, double(m.neurons() - 1) / 3), .seed = options.seed})
                .embedding;
  m.weights = find_clusters(m.outgoing, options);
  m.on_plane = find_clusters(m.plane, options);
  measure_selectivity(layer, options, m);
  measure_wiring(layer, m);
  return m;
}

std::span<const Quantity> quantities() { return table; }

MeanSummary summarize(const Analysed& model, const Quantity& quantity) {
  std::vector<double> values;
  for (const Measures& run : model.runs) values.push_back(quantity.of(run));
  return hebb::summarize(values);
}

}  // namespace hebb::apps
