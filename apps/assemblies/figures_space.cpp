#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/assemblies/figures.hpp"
#include "apps/common/gnuplot.hpp"

/// Figures on the plane of the neurons' outgoing weights: 1(d), 2, 3 and 4.
namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

double x(const Measures& m, int64_t i) { return m.plane.host<double>()[2 * i]; }
double y(const Measures& m, int64_t i) { return m.plane.host<double>()[2 * i + 1]; }

// Both axes alike, with few tics.
std::string plane_axes(const Measures& m) {
  double reach = 0;
  for (const double value : m.plane.host<double>()) reach = std::max(reach, 1.08 * std::abs(value));
  const int step = reach > 150 ? 100 : reach > 60 ? 50 : reach > 25 ? 20 : reach > 10 ? 10 : 5;
  return fmt::format(
      "set xlabel 't-SNE 1'\nset ylabel 't-SNE 2' offset 1\nset xtics {0}\nset ytics {0}\n"
      "set xrange [-{1:.4g}:{1:.4g}]\nset yrange [-{1:.4g}:{1:.4g}]\nunset key\n",
      step, reach);
}

// Big points for few neurons.
double point_size(const Measures& m) { return m.neurons() > 200 ? 0.45 : 0.8; }

// Places on the vertical axis of a silhouette plot: cluster by cluster from the top, best first.
std::vector<double> ranks(const std::vector<int64_t>& labels, const std::vector<double>& values) {
  std::vector<int64_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, [&](int64_t a, int64_t b) {
    return std::tuple(labels[a], -values[a], a) < std::tuple(labels[b], -values[b], b);
  });
  const double gap = std::max(1.0, double(labels.size()) / 100);
  std::vector<double> place(labels.size());
  for (size_t i = 0; i < order.size(); ++i)
    place[order[i]] = -double(i) - gap * double(labels[order[i]]);
  return place;
}

// Tics that name the clusters, each at the middle of its neurons, where names do not overlap. Of
// one width, so that all panels have one margin.
std::string cluster_tics(const std::vector<int64_t>& labels, const std::vector<double>& place,
                         int64_t clusters) {
  std::string tics;
  const double room = -0.06 * *std::ranges::min_element(place);
  double previous = room;
  for (int64_t k = 0; k < clusters; ++k) {
    double sum = 0, count = 0;
    for (size_t i = 0; i < labels.size(); ++i)
      if (labels[i] == k) sum += place[i], ++count;
    if (count == 0 || previous - sum / count < room) continue;
    previous = sum / count;
    tics += fmt::format("{}'{:>2}' {:.4g}", tics.empty() ? "" : ", ", k + 1, previous);
  }
  return "set ytics (" + tics + ")\n";
}

}  // namespace

Figure draw_plane(const Analysed& model, const fs::path& folder) {
  const Measures& m = model.first();
  const auto clusters = std::ssize(m.weights.kmeans.sizes);
  Picture picture("figure-1d", "neuron,x,y,assembly", 640, 460);
  for (int64_t i = 0; i < m.neurons(); ++i)
    picture.row(double(i), x(m, i), y(m, i), double(m.weights.kmeans.labels[i] + 1));
  picture.commands(plane_axes(m));
  picture.commands(
      fmt::format("set title {}\n"
                  "set key outside right top reverse Left samplen 1 title 'assembly'\n"
                  "plot for [k=1:{}] file using (column('assembly')==k ? column('x') : NaN):'y' "
                  "with points lt k ps {} title ''.k\n",
                  quoted(model.spec.label), clusters, 1.4 * point_size(m)));
  return {.stem = picture.stem(),
          .title = "Figure 1(d): assemblies in the space of outgoing weights, " + model.spec.label,
          .paper = "Neurons of one assembly, with similar outgoing weights, lie together.",
          .run = fmt::format(
              "K-means finds {} assemblies of {} to {} neurons in the weights of {}, with a mean "
              "silhouette of {} (Euclidean).",
              clusters, m.weights.kmeans.sizes.back(), m.weights.kmeans.sizes.front(), m.layer,
              in_words(model, "silhouette_weights")),
          .plotted = picture.save(folder)};
}

Figure draw_silhouettes(const ModelGroup& group, const fs::path& folder) {
  const auto rows = std::ssize(group.models);
  Picture picture("figure-2-" + group.name,
                  "model,name,neuron,x,y,assembly,silhouette,place,plane_cluster,"
                  "plane_silhouette,plane_place",
                  1000, int(40 + 320 * rows));
  picture.commands(fmt::format("set multiplot layout {},3\n", rows));
  for (int64_t j = 0; j < rows; ++j) {
    const Analysed& model = *group.models[j];
    const Measures& m = model.first();
    const auto& assemblies = m.weights.kmeans.labels;
    const auto& on_plane = m.on_plane.kmeans.labels;
    const auto place = ranks(assemblies, m.weights.euclidean.values);
    const auto plane_place = ranks(on_plane, m.on_plane.squared.values);
    for (int64_t i = 0; i < m.neurons(); ++i)
      picture.row(double(j), model.spec.name, double(i), x(m, i), y(m, i),
                  double(assemblies[i] + 1), m.weights.euclidean.values[i], place[i],
                  double(on_plane[i] + 1), m.on_plane.squared.values[i], plane_place[i]);
    const auto clusters = std::ssize(m.weights.kmeans.sizes);
    picture.commands(plane_axes(m));
    picture.commands(fmt::format(
        "set title {0}\n"
        "plot for [k=1:{2}] file using (column('model')=={1} && column('assembly')==k ? "
        "column('x') : NaN):'y' with points lt k ps {3}\n",
        quoted(model.spec.label), j, clusters, point_size(m)));
    picture.commands(fmt::format(
        "set title 'weights: mean {:.3f}'\n"
        "set xlabel 'silhouette'\nset ylabel 'assembly' offset 1\nset xrange [-0.4:1]\nset "
        "autoscale y\n"
        "set xtics 0.5\n{}"
        "plot for [k=1:{}] file using (0):(column('model')=={} && column('assembly')==k ? "
        "column('place') : NaN):(0):'silhouette':(column('place')-0.5):(column('place')+0.5) "
        "with boxxyerror lt k\n",
        m.weights.euclidean.mean, cluster_tics(assemblies, place, clusters), clusters, j));
    picture.commands(fmt::format(
        "set title 'plane, squared: mean {:.3f}'\n"
        "set ylabel 'cluster on the plane' offset 1\n{}"
        "plot for [k=1:{}] file using (0):(column('model')=={} && column('plane_cluster')==k ? "
        "column('plane_place') : NaN):(0):'plane_silhouette':(column('plane_place')-0.5):"
        "(column('plane_place')+0.5) with boxxyerror lc rgb (k%2 ? '#555555' : '#999999')\n",
        m.on_plane.squared.mean, cluster_tics(on_plane, plane_place, clusters), clusters, j));
  }
  picture.commands("unset multiplot\n");
  return {.stem = picture.stem(),
          .title = "Figure 2: assemblies and their silhouettes, " + group.label,
          .paper =
              "Ten assemblies describe the last dense layer best. Silhouettes are around 0.9 "
              "with BEAN, and nearly 0.5 without.",
          .run = fmt::format(
              "Mean silhouettes of the weights (Euclidean): {}. On the t-SNE plane with squared "
              "distances, where the paper's numbers appear: {}. Best number of clusters in the "
              "weights: {}; on the plane: {}.",
              in_words(group, "silhouette_weights"), in_words(group, "silhouette_plane_squared"),
              in_words(group, "best_k_weights"), in_words(group, "best_k_plane")),
          .plotted = picture.save(folder)};
}

Figure draw_activations(const Analysed& model, const fs::path& folder) {
  const Measures& m = model.first();
  const int64_t classes = m.class_means.size(0);
  const int64_t rows = (classes + 4) / 5;
  const auto means = m.class_means.host<double>();
  Picture picture("figure-3-" + model.spec.name, "class,neuron,x,y,activation", 1000,
                  int(60 + 220 * rows));
  const double height = 60 + 220 * double(rows);
  double high = 0, own = 0, other = 0;
  for (int64_t c = 0; c < classes; ++c)
    for (int64_t i = 0; i < m.neurons(); ++i) {
      const double value = means[c * m.neurons() + i];
      picture.row(double(c), double(i), x(m, i), y(m, i), value);
      high = std::max(high, value);
      if (m.selectivity.is_dead(i)) continue;
      (m.selectivity.most_selective[i] == c ? own : other) += value;
    }
  const double alive = double(m.neurons() - m.selectivity.dead);
  own /= alive;
  other /= alive * double(classes - 1);
  picture.commands(plane_axes(m));
  picture.commands(fmt::format(
      "set multiplot layout {0},5 title {1} margins 0.04,0.9,{6},{7} spacing 0.015,{8}\n"
      "set palette defined (0 '#DDDDDD', 0.25 '#FED98E', 0.5 '#FE9929', 0.75 '#D95F0E', "
      "1 '#662506')\n"
      "set cbrange [0:{2:.4g}]\nset cbtics {3:.1g}\nunset key\nunset xtics\nunset ytics\n"
      "set border 15\nset colorbox user origin 0.915,{6} size 0.014,{9:.4g}\n"
      "set cblabel 'mean activation'\n"
      "do for [c=0:{4}] {{\n"
      "set title 'class '.c offset 0,-0.5\n"
      "if (c%5 == 0) {{ set ylabel 't-SNE 2' }} else {{ unset ylabel }}\n"
      "if (c >= {10}) {{ set xlabel 't-SNE 1' }} else {{ unset xlabel }}\n"
      "plot file using (column('class')==c ? column('x') : NaN):'y':'activation' "
      "with points pt 7 ps {5} lc palette\n"
      "}}\nunset multiplot\n",
      rows, quoted(model.spec.label + ": mean activation for each class"), high, high / 2,
      classes - 1, point_size(m), 40 / height, 1 - 65 / height, 30 / height, 1 - 105 / height,
      classes - 5));
  return {.stem = picture.stem(),
          .title = "Figure 3: mean activation for each class, " + model.spec.label,
          .paper =
              "For samples of one class, only the neurons of the assembly of that class are "
              "highly active (LeNet-5 with BEAN-2).",
          .run = fmt::format(
              "A living neuron's mean activation is {:.3g} for its most selective class and {:.3g} "
              "for the others ({:.1f} times less). Mean selectivity {}, mutual-information ratio "
              "{}.",
              own, other, own / std::max(other, 1e-12), in_words(model, "mean_selectivity"),
              in_words(model, "mutual_information_ratio")),
          .plotted = picture.save(folder)};
}

Figure draw_selectivity(const ModelGroup& group, const fs::path& folder) {
  const auto count = std::ssize(group.models);
  const int64_t columns = std::min<int64_t>(count, 3), rows = (count + columns - 1) / columns;
  Picture picture("figure-4-" + group.name,
                  "model,name,neuron,x,y,most_selective_class,selectivity",
                  int(std::max<int64_t>(120 + 330 * columns, 560)), int(30 + 330 * rows));
  const double height = 30 + 330 * double(rows);
  picture.commands(fmt::format(
      "set multiplot layout {},{} margins 0.06,{},{},{} "
      "spacing 0.06,{}\n",
      rows, columns, columns == 1 ? 0.8 : 0.88, 75 / height, 1 - 40 / height, 115 / height));
  const int64_t classes = group.models[0]->first().class_means.size(0);
  for (int64_t j = 0; j < count; ++j) {
    const Analysed& model = *group.models[j];
    const Measures& m = model.first();
    for (int64_t i = 0; i < m.neurons(); ++i)
      picture.row(double(j), model.spec.name, double(i), x(m, i), y(m, i),
                  double(m.selectivity.most_selective[i]), m.selectivity.index[i]);
    picture.commands(plane_axes(m));
    const bool legend = j == columns - 1;
    picture.commands(fmt::format(
        "set title {0}\n{1}"
        "plot file using (column('model')=={2} && column('most_selective_class')<0 ? "
        "column('x') : NaN):'y' with points lt 11 ps {4} title 'dead', \\\n"
        "     for [c=0:{3}] file using (column('model')=={2} && "
        "column('most_selective_class')==c ? column('x') : NaN):'y' with points lt c%10+1 ps {4} "
        "title 'class '.c\n",
        quoted(model.spec.label),
        legend ? "set key at screen 0.995,0.9 right top reverse Left samplen 1\n" : "", j,
        classes - 1, point_size(m)));
  }
  picture.commands("unset multiplot\n");
  return {.stem = picture.stem(),
          .title = "Figure 4: most selective classes of the neurons, " + group.label,
          .paper = "Assemblies are well described by their neurons' most selective class.",
          .run = fmt::format(
              "Purity of assemblies against most selective classes (without dead neurons): {}. "
              "Adjusted Rand index: {}. Dead neurons: {}. Neurons that share the commonest class: "
              "{} (where that is nearly all, the classes say little and purity is high by itself).",
              in_words(group, "purity"), in_words(group, "adjusted_rand_index"),
              in_words(group, "dead"), in_words(group, "largest_group")),
          .plotted = picture.save(folder)};
}

}  // namespace hebb::apps
