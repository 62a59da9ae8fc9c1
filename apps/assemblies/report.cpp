#include "apps/assemblies/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/common/progress.hpp"
#include "core/parallel.hpp"
#include "core/version.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view style = R"(
body { font: 16px/1.5 sans-serif; color: #222; max-width: 1040px; margin: 2em auto; padding: 0 1em }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2em }
img { width: 100%; height: auto } img.small { max-width: 680px }
table { border-collapse: collapse; margin: 1em 0; font-size: 14px }
th, td { border-bottom: 1px solid #ccc; padding: 0.25em 0.7em; text-align: right }
th:first-child, td:first-child { text-align: left }
dt { font-weight: bold } .note { color: #555 }
@media print { figure { break-inside: avoid } }
)";

struct TableText {
  const char *key, *title, *note;
};
constexpr TableText tables[] = {
    {"accuracy", "Accuracy",
     "On the test set. A neuron is dead when it answers no test sample of any class."},
    {"silhouettes", "Silhouettes",
     "Of the assemblies that K-means finds in the outgoing weights, and of the clusters that it "
     "finds on their t-SNE plane; Euclidean, or with squared distances. Best k, of 2 to 15, has "
     "the greatest Euclidean silhouette."},
    {"classes", "Neurons and classes",
     "Selectivity, and how far assemblies and the most selective classes of their neurons are the "
     "same partition (without dead neurons). MI ratio: how far each neuron carries one class only "
     "(Whittington et al. 2023)."},
    {"ablation", "Ablation",
     "Mean change of accuracy when the neurons of one most selective class are set to 0. "
     "Diagonality is the other classes' change minus the own class's. Diagonal groups harm their "
     "own class more than any other."},
    {"wiring", "Wiring",
     "Strong connections exceed the root mean square of the weights; C4 is that of their graph. "
     "Kept: the smallest share of connections with at most one point of accuracy lost."},
};

std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text)
    result += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return result;
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t word = 0;
    for (size_t j = 0; j < 3; ++j)
      word = word << 8 | (i + j < bytes.size() ? uint8_t(bytes[i + j]) : 0);
    for (size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? digits[word >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string table_html(const TableText& text, std::span<const Analysed> models) {
  std::string head = "<tr><th>network</th>", body;
  for (const Quantity& q : quantities())
    if (std::string_view(q.table) == text.key) head += "<th>" + escaped(q.title) + "</th>";
  for (const Analysed& model : models) {
    body += "<tr><td>" + escaped(model.spec.label) + "</td>";
    for (const Quantity& q : quantities())
      if (std::string_view(q.table) == text.key) body += "<td>" + in_words(model, q.key) + "</td>";
    body += "</tr>\n";
  }
  return fmt::format("<h2>{}</h2>\n<p class=\"note\">{}</p>\n<table>\n{}</tr>\n{}</table>\n",
                     text.title, text.note, head, body);
}

std::string figure_html(const Figure& figure, const fs::path& folder) {
  const std::string picture =
      figure.plotted
          ? fmt::format("<img {}alt=\"{}\" src=\"data:image/png;base64,{}\">\n",
                        figure.stem == "figure-1d" || figure.stem.starts_with("figure-6a")
                            ? "class=\"small\" "
                            : "",
                        escaped(figure.title), base64(read_file(folder / (figure.stem + ".png"))))
          : fmt::format(
                "<p class=\"note\">Not plotted, as gnuplot is not installed: run it on "
                "{}.gp.</p>\n",
                figure.stem);
  return fmt::format(
      "<figure>\n<h2>{0}</h2>\n{1}<figcaption><dl>\n<dt>The paper</dt><dd>{2}</dd>\n"
      "<dt>This run</dt><dd>{3}</dd>\n</dl><p class=\"note\">Files: {4}.csv, {4}.gp, {4}.svg, "
      "{4}.png</p></figcaption>\n</figure>\n",
      escaped(figure.title), picture, escaped(figure.paper), escaped(figure.run), figure.stem);
}

std::string configuration_html(const Report& report) {
  const AssembliesSettings& s = report.settings;
  std::string rows;
  for (const Analysed& model : report.models)
    rows += fmt::format("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", escaped(model.spec.label),
                        escaped(model.spec.text),
                        escaped(fmt::format("{}", fmt::join(model.origins, "; "))));
  return fmt::format(
      "<p>{} Analysed on {}. Networks see {} for {} epochs in batches of {} (few-shot ones: their "
      "shots for {} epochs, one by one); Adam with a learning rate of {}. Seeds of training: {}; "
      "figures are of the first. K-means looks for {} assemblies among the last dense layer's "
      "input neurons, in the space of their outgoing weights. Version {}, {} threads, {}.</p>\n"
      "<table><tr><th>network</th><th>as a flag</th><th>weights</th></tr>\n{}</table>\n",
      s.quick ? "<strong>A quick look: trained for a short time, so numbers fall short of a full "
                "run's.</strong>"
              : "",
      escaped(report.data.empty() ? s.dataset : report.data),
      s.train_limit > 0 ? fmt::format("{} training images", s.train_limit) : "all training images",
      s.epochs, s.batch_size, s.shot_epochs, s.lr, fmt::join(s.seeds, ", "), s.clusters, version(),
      num_threads(), format_duration(report.seconds), rows);
}

Json matrix(const Tensor& values) {
  Json rows = Json::array();
  for (int64_t i = 0; i < values.size(0); ++i)
    rows.push_back(values.slice(i, i + 1).to_vector<double>());
  return rows;
}

Json to_json(const Measures& m, const std::string& origin) {
  Json json{{"seed", m.seed}, {"origin", origin}, {"layer", m.layer}};
  for (const Quantity& q : quantities()) json[q.key] = q.of(m);
  json["assembly_sizes"] = m.weights.kmeans.sizes;
  json["assembly"] = m.weights.kmeans.labels;
  json["most_selective_class"] = m.selectivity.most_selective;
  json["selectivity"] = m.selectivity.index;
  json["baseline"] = m.by_class.baseline;
  json["ablation"] = matrix(m.by_class.change);
  for (const PruningCurve& curve : m.pruning)
    for (const PruningPoint& point : curve.points)
      json["pruning"][curve.name].push_back({point.connections, point.accuracy});
  return json;
}

}  // namespace

Json to_json(std::span<const Analysed> models, const AssembliesSettings& settings) {
  Json json{{"settings", settings.to_json()}, {"version", version()}, {"models", Json::array()}};
  for (const Analysed& model : models) {
    Json entry{{"name", model.spec.name}, {"label", model.spec.label}, {"flag", model.spec.text}};
    for (const Quantity& q : quantities()) {
      const MeanSummary s = summarize(model, q);
      entry["means"][q.key] = s.mean;
      if (s.count > 1) entry["deviations"][q.key] = s.deviation;
    }
    for (size_t i = 0; i < model.runs.size(); ++i)
      entry["runs"].push_back(to_json(model.runs[i], model.origins[i]));
    json["models"].push_back(std::move(entry));
  }
  return json;
}

std::string to_html(const Report& report) {
  std::string body = "<h1>Neuronal assemblies on " + escaped(report.settings.dataset) + "</h1>\n" +
                     configuration_html(report);
  if (report.settings.seeds.size() > 1)
    body += "<p>Tables: mean ± standard deviation over the seeds.</p>\n";
  for (const TableText& text : tables) body += table_html(text, report.models);
  for (const Figure& figure : report.figures) body += figure_html(figure, report.folder);
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width\">\n"
      "<title>Neuronal assemblies on {}</title>\n<style>{}</style>\n</head>\n<body>\n{}</body>\n"
      "</html>\n",
      escaped(report.settings.dataset), style, body);
}

}  // namespace hebb::apps
