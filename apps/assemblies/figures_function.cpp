#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/assemblies/figures.hpp"
#include "apps/common/gnuplot.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"

/// Figures of what neurons do and how they are wired: 5, 6, and pruning.
namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

// The correlation that shaped the network; Fig. 6 shows the second order.
int correlation_order(const Analysed& model) {
  return model.spec.bean_order > 0 ? model.spec.bean_order : 2;
}

// Value below which a share of the values lies.
double quantile(std::vector<double> values, double share) {
  const auto middle = values.begin() + int64_t(share * double(values.size() - 1));
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

Figure draw_ablation(const ModelGroup& group, const fs::path& folder) {
  const auto count = std::ssize(group.models);
  const int64_t classes = group.models[0]->first().class_means.size(0);
  const int64_t rows = (classes + 4) / 5 * count;
  Picture picture("figure-5-" + group.name, "model,name,group,neurons,class,change", 1000,
                  int(50 + 200 * rows));
  const double height = 50 + 200 * double(rows);
  picture.commands(
      fmt::format("set multiplot layout {},5 margins 0.085,0.99,{},{} spacing 0.02,{}\n"
                  "set yrange [-1.1:0.25]\nset xrange [-0.6:{}]\nset boxwidth 0.8\nunset key\n"
                  "set xtics 1 nomirror\n",
                  rows, 60 / height, 1 - 70 / height, 95 / height, double(classes) - 0.4));
  for (int64_t j = 0; j < count; ++j) {
    const Analysed& model = *group.models[j];
    const Measures& m = model.first();
    const auto sizes = neuron_groups(m.selectivity.most_selective, classes);
    const auto change = m.by_class.change.host<double>();
    for (int64_t g = 0; g < classes; ++g) {
      for (int64_t c = 0; c < classes; ++c)
        picture.row(double(j), model.spec.name, double(g), double(sizes[g].size()), double(c),
                    change[g * classes + c]);
      const bool left = g % 5 == 0, bottom = j == count - 1 && g >= classes - (classes - 1) % 5 - 1;
      picture.commands(fmt::format(
          "{}set title 'group {} ({} neurons)' offset 0,-0.7\n{}{}"
          "plot file using 'class':(column('model')=={} && column('group')=={} ? "
          "column('change') : NaN):(column('class')=={} ? 0xCC6677 : 0x332288) "
          "with boxes lc rgb variable\nunset label\n",
          g == 0
              ? fmt::format("set label {} at graph 0,1.38 font ',14'\n", quoted(model.spec.label))
              : "",
          g, sizes[g].size(),
          left ? "set ylabel 'change of accuracy' offset 1\nset ytics 0.5 format '%g'\n"
               : "unset ylabel\nset ytics 0.5 format ''\n",
          bottom ? "set xlabel 'class' offset 0,0.4\n" : "unset xlabel\n", j, g, g));
    }
  }
  picture.commands("unset multiplot\n");
  return {.stem = picture.stem(),
          .title = "Figure 5: groups of neurons ablated, " + group.label,
          .paper =
              "In a plain network, ablating the neurons of a class has no clear effect on "
              "that class. With BEAN, BEAN-2 above all, each group harms its own class and no "
              "other.",
          .run = fmt::format(
              "Change of the own class (red): {}. Of the other classes (blue): {}. Diagonality (1: "
              "each group is all that its class needs): {}. By assembly in place of class: {}.",
              in_words(group, "own_class_change"), in_words(group, "other_class_change"),
              in_words(group, "diagonality"), in_words(group, "diagonality_assemblies")),
          .plotted = picture.save(folder)};
}

Figure draw_correlation(const Analysed& model, const fs::path& folder) {
  const Measures& m = model.first();
  const int64_t n = m.neurons();
  const int order = correlation_order(model);
  const auto& labels = m.weights.kmeans.labels;
  const std::vector<int64_t> sorted = assembly_order(labels);
  const Tensor matrix = reorder(neuron_correlation(m.outgoing, {.order = order}), sorted);
  const auto values = matrix.host<double>();
  Picture picture("figure-6a-" + model.spec.name, "row,column,correlation", 640, 540);
  double within = 0, between = 0, pairs_within = 0, pairs_between = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < n; ++j) {
      const double value = values[i * n + j];
      picture.row(double(i), double(j), value);
      if (i == j) continue;
      const bool same = labels[sorted[i]] == labels[sorted[j]];
      (same ? within : between) += value;
      (same ? pairs_within : pairs_between) += 1;
    }
  within /= std::max(pairs_within, 1.0);
  between /= std::max(pairs_between, 1.0);
  std::string borders;
  int64_t edge = 0;
  for (const int64_t size : m.weights.kmeans.sizes) {
    edge += size;
    borders += fmt::format(
        "set arrow from {0},-0.5 to {0},{1} nohead front lc rgb '#CCCCCC' lw 0.5\n"
        "set arrow from -0.5,{0} to {1},{0} nohead front lc rgb '#CCCCCC' lw 0.5\n",
        double(edge) - 0.5, double(n) - 0.5);
  }
  picture.commands(fmt::format(
      "set size ratio 1\nset title {}\nunset key\n"
      "set xlabel 'neuron, sorted by assembly'\nset ylabel 'neuron, sorted by assembly'\n"
      "set xrange [-0.5:{}]\nset yrange [{}:-0.5]\nset border 15\n"
      "set palette defined (0 '#FFFFFF', 0.35 '#9ECAE1', 0.7 '#3182BD', 1 '#08306B')\n"
      "set cbrange [0:{:.3g}]\nset cblabel 'correlation A'\nset format cb '%.1e'\nset rmargin at "
      "screen 0.74\n{}"
      "plot file using 'column':'row':'correlation' with image\n",
      quoted(model.spec.label), double(n) - 0.5, double(n) - 0.5,
      std::max(quantile({values.begin(), values.end()}, 0.99), 1e-12), borders));
  return {.stem = picture.stem(),
          .title = fmt::format("Figure 6(a): correlation of neurons, order {}, {}", order,
                               model.spec.label),
          .paper =
              "Sorted by assembly, the second-order correlation matrix shows blocks, even "
              "after learning from 10 samples of each class.",
          .run = fmt::format("Mean correlation of two neurons of one assembly {:.3g}, of two "
                             "assemblies {:.3g}: {:.1f} times less.",
                             within, between, within / std::max(between, 1e-12)),
          .plotted = picture.save(folder)};
}

Figure draw_connections(const Analysed& model, const fs::path& folder) {
  const Measures& m = model.first();
  const auto clusters = std::ssize(m.weights.kmeans.sizes);
  // Assemblies stand above the targets of their strongest weights.
  const std::vector<int64_t> strongest =
      argmax(abs(m.weights.kmeans.centers), 1).to_vector<int64_t>();
  std::vector<int64_t> keys;
  for (const int64_t k : m.weights.kmeans.labels) keys.push_back(strongest[k] * clusters + k);
  const std::vector<int64_t> sorted = assembly_order(keys);
  std::vector<double> place(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) place[sorted[i]] = double(i);
  const double step = double(m.neurons()) / double(m.graph.targets);
  Picture picture("figure-6b-" + model.spec.name,
                  "neuron,place,assembly,target,target_place,weight", 1000, 420);
  for (const BipartiteGraph::Edge& edge : m.graph.edges)
    picture.row(double(edge.neuron), place[edge.neuron],
                double(m.weights.kmeans.labels[edge.neuron] + 1), double(edge.target),
                (double(edge.target) + 0.5) * step - 0.5, edge.weight);
  std::string names;
  for (int64_t t = 0; t < m.graph.targets; ++t)
    names +=
        fmt::format("set label '{}' at {:.4g},-0.08 center\n", t, (double(t) + 0.5) * step - 0.5);
  picture.commands(fmt::format(
      "set title {}\nunset border\nunset xtics\nunset ytics\n"
      "set xrange [-1:{}]\nset yrange [-0.2:1.05]\n"
      "set label 'neurons that enter {}' at screen 0.01,0.5 center rotate\n"
      "set xlabel 'class (output neuron)'\n{}"
      "set key outside right center title 'assembly' samplen 2\n"
      "plot for [k=1:{}] file using (column('assembly')==k ? column('place') : NaN):(1):"
      "(column('target_place')-column('place')):(-1) with vectors nohead lt k lw 0.8 title ''.k, "
      "\\\n"
      "     for [k=1:{}] file using (column('assembly')==k ? column('place') : NaN):(1) "
      "with points lt k ps 0.7 notitle, \\\n"
      "     file using 'target_place':(0) with points pt 7 ps 1 lc rgb '#555555' notitle\n",
      quoted(model.spec.label + fmt::format(": connections with |w| > {:.3g}", m.graph_threshold)),
      m.neurons(), m.layer, names, clusters, clusters));
  return {
      .stem = picture.stem(),
      .title = "Figure 6(b): strong connections, " + model.spec.label,
      .paper =
          "Instead of using all possible weights, BEAN finds a sparse and structured "
          "connectivity.",
      .run = fmt::format(
          "{} of {} connections are stronger than the root mean square ({:.3g}). C4 of this "
          "graph (Eq. 8) {}, so {} of its 3-paths are closed. {} of the weights are below 0.01.",
          m.graph.edges.size(), m.outgoing.numel(), m.graph_threshold, in_words(model, "c4"),
          in_words(model, "c4_closure"), in_words(model, "near_zero")),
      .plotted = picture.save(folder)};
}

Figure draw_outgoing(const Analysed& model, const fs::path& folder) {
  const Measures& m = model.first();
  const auto clusters = std::ssize(m.weights.kmeans.sizes);
  const int64_t targets = m.outgoing.size(1), rows = (clusters + 4) / 5;
  const auto weights = m.outgoing.host<double>();
  const auto centers = m.weights.kmeans.centers.host<double>();
  Picture picture("figure-6c-" + model.spec.name, "neuron,assembly,target,weight", 1000,
                  int(50 + 210 * rows));
  const auto groups = neuron_groups(m.weights.kmeans.labels, clusters);
  double within = 0, total = 0, mean = 0;
  for (const double w : weights) mean += w / double(weights.size());
  int64_t positive = 0;
  for (int64_t k = 0; k < clusters; ++k) {
    const auto [low, high] = std::ranges::minmax(centers.subspan(k * targets, targets));
    positive += high > -low;
  }
  for (int64_t k = 0; k < clusters; ++k)
    for (const int64_t i : groups[k]) {
      for (int64_t t = 0; t < targets; ++t) {
        const double w = weights[i * targets + t];
        picture.row(double(i), double(k + 1), double(t), w);
        total += (w - mean) * (w - mean);
        within += (w - centers[k * targets + t]) * (w - centers[k * targets + t]);
      }
      picture.row();
    }
  const double height = 50 + 210 * double(rows);
  picture.commands(fmt::format(
      "set multiplot layout {},5 title {} margins 0.08,0.99,{},{} spacing 0.02,{}\n"
      "unset key\nset xrange [-0.3:{}]\nset xtics 3\nstats file using 'weight' nooutput\n"
      "set yrange [1.05*STATS_min:1.05*STATS_max]\nset xzeroaxis lc rgb '#999999'\n",
      rows, quoted(model.spec.label + ": outgoing weights of each assembly (and its neurons)"),
      55 / height, 1 - 65 / height, 75 / height, double(targets) - 0.7));
  for (int64_t k = 0; k < clusters; ++k)
    picture.commands(fmt::format(
        "set title 'assembly {0} ({1})' offset 0,-0.5\n{2}{4}\n"
        "plot file using 'target':(column('assembly')=={0} ? column('weight') : NaN) "
        "with linespoints lt {3} ps 0.4 lw 0.8\n",
        k + 1, groups[k].size(),
        k % 5 == 0 ? "set ylabel 'weight' offset 1\nset ytics format '%g'\n"
                   : "unset ylabel\nset ytics format ''\n",
        k % 10 + 1, k + 5 < clusters ? "unset xlabel" : "set xlabel 'class' offset 0,0.4"));
  picture.commands("unset multiplot\n");
  return {
      .stem = picture.stem(),
      .title = "Figure 6(c): outgoing weights of each assembly, " + model.spec.label,
      .paper =
          "Neurons of one assembly share their weights weakly: each assembly has high "
          "weights towards its class.",
      .run = fmt::format("{:.1f} % of the variance of the outgoing weights is between "
                         "assemblies, {:.1f} % within them. The strongest mean weight is positive "
                         "in {} of {} assemblies.",
                         100 * (1 - within / total), 100 * within / total, positive, clusters),
      .plotted = picture.save(folder)};
}

Figure draw_pruning(const ModelGroup& group, const fs::path& folder) {
  const auto count = std::ssize(group.models);
  const double height = 340 + 20 * double(count);
  Picture picture("pruning-" + group.name, "model,name,method,connections,accuracy", 1000,
                  int(height));
  const auto& methods = group.models[0]->first().pruning;
  for (int64_t j = 0; j < count; ++j)
    for (size_t method = 0; method < methods.size(); ++method)
      for (const PruningPoint& point : group.models[j]->first().pruning[method].points)
        picture.row(double(j), group.models[j]->spec.name, double(method), point.connections,
                    100 * point.accuracy);
  picture.commands(fmt::format(
      "set multiplot layout 1,{} title {} margins 0.07,0.98,{},0.82 spacing 0.04,0.1\n"
      "set logscale x\nset xrange [1:0.008]\nset yrange [0:100]\n"
      "set xtics ('1' 1, '0.3' 0.3, '0.1' 0.1, '0.03' 0.03, '0.01' 0.01)\n"
      "set key at screen 0.5,0.02 center bottom reverse Left samplen 2\nset grid y\n"
      "set xlabel 'share of connections kept'\nset ylabel 'test accuracy, %' offset 1\n",
      methods.size(), quoted(group.label + ": removing connections of the last layer"),
      (85 + 20 * double(count)) / height));
  for (size_t method = 0; method < methods.size(); ++method) {
    std::string curves;
    for (int64_t j = 0; j < count; ++j)
      curves += fmt::format(
          "{}file using (column('model')=={} && column('method')=={} ? column('connections') : "
          "NaN):'accuracy' with linespoints lt {} lw 1.5 title {}",
          j == 0 ? "" : ", \\\n     ", j, method, j % 10 + 1, quoted(group.models[j]->spec.label));
    picture.commands(
        fmt::format("set title {}\nplot {}\nunset key\nunset ylabel\nset ytics format ''\n",
                    quoted(methods[method].name), curves));
  }
  picture.commands("unset multiplot\n");
  return {.stem = picture.stem(),
          .title = "Pruning of the last layer, " + group.label,
          .paper =
              "BEAN makes networks sparse, and so efficient in memory and computation (journal "
              "version).",
          .run = fmt::format(
              "Share of connections that keeps the accuracy within one point when the weakest go "
              "first: {}. When the bundles from an assembly to a class go together: {}. When each "
              "assembly keeps its strongest neurons: {}.",
              in_words(group, "kept_by_magnitude"), in_words(group, "kept_by_assembly"),
              in_words(group, "kept_by_neurons")),
          .plotted = picture.save(folder)};
}

}  // namespace hebb::apps
