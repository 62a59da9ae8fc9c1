#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "apps/assemblies/figures.hpp"
#include "apps/assemblies/measures.hpp"
#include "apps/assemblies/report.hpp"
#include "apps/common/app.hpp"
#include "apps/common/progress.hpp"
#include "core/parallel.hpp"
#include "data/data.hpp"
#include "layers/models/registry.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

// All networks, one after the other; fewer after ^C.
std::vector<Analysed> analyse(const AssembliesSettings& s, const std::vector<ModelSpec>& specs,
                              const DataPair& data) {
  std::vector<Analysed> models;
  for (const ModelSpec& spec : specs) {
    Analysed model{.spec = spec, .runs = {}, .origins = {}};
    for (const uint64_t seed : s.seeds) {
      if (Interrupt::requested()) break;
      const auto trained = obtain_model(spec, s, seed, data.train, fs::path(s.output) / "weights");
      if (!trained) break;
      Measures measures = measure(look_at(*trained->module, data.test, trained->transform),
                                  {.clusters = s.clusters, .seed = s.seed});
      measures.seed = seed;
      if (!s.quiet) {
        fmt::print(
            "{}, seed {}: {}; test accuracy {:.2f} %, silhouette {:.3f} (weights) and {:.3f} "
            "(plane, squared), diagonality {:.3f}\n",
            spec.name, seed, trained->origin, 100 * measures.accuracy,
            measures.weights.euclidean.mean, measures.on_plane.squared.mean,
            measures.by_class_score.score());
        std::fflush(stdout);
      }
      model.runs.push_back(std::move(measures));
      model.origins.push_back(trained->origin);
      if (!spec.checkpoint.empty()) break;  // the same weights for every seed
    }
    if (Interrupt::requested()) break;
    models.push_back(std::move(model));
  }
  return models;
}

void run(const CLI::App& app, AssembliesSettings& s) {
  const auto start = std::chrono::steady_clock::now();
  s.apply_quick(app);
  if (s.threads != 0) parse_flag("--threads", [&] { set_num_threads(s.threads); });
  const std::string header = device_header(parse_device(s.device));
  if (!s.quiet && !header.empty()) fmt::print("{}\n", header);
  const std::vector<int> numbers = s.figure_numbers();
  const std::vector<ModelSpec> specs = model_specs(s);

  const auto load = parse_flag("--dataset", [&] { return known_datasets().at(s.dataset); });
  DataPair data = load({.root = s.data});
  for (const ModelSpec& spec : specs)
    parse_flag("--models", [&] {
      return make_model(spec.architecture, {.input = data.train.images.shape().without(0),
                                            .classes = data.train.classes});
    });
  if (s.test_limit > 0 && s.test_limit < data.test.size())
    data.test = data.test.subset(random_subset(data.test.size(), s.test_limit, Generator(s.seed)));
  std::error_code error;
  fs::create_directories(s.output, error);
  if (error)
    throw IoError(fmt::format("{}: cannot create the folder: {}", s.output, error.message()));

  const Interrupt interrupt;
  const std::vector<Analysed> models = analyse(s, specs, data);
  if (Interrupt::requested()) {
    fmt::print("interrupted; the same command goes on with the weights in {}\n",
               (fs::path(s.output) / "weights").string());
    return;
  }
  const std::vector<Figure> figures = make_figures(models, numbers, s.output);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_file(fs::path(s.output) / "summary.json", to_json(models, s).dump(1) + '\n');
  write_file(fs::path(s.output) / "report.html", to_html({.models = models,
                                                          .figures = figures,
                                                          .settings = s,
                                                          .folder = s.output,
                                                          .data = data.test.description,
                                                          .seconds = seconds}));
  for (const Figure& figure : figures)
    if (!figure.plotted) {
      fmt::print(
          "no pictures were plotted: install gnuplot (Debian: gnuplot-nox) and run it on the "
          "scripts, or run this again\n");
      break;
    }
  fmt::print("{} in {}\n", (fs::path(s.output) / "report.html").string(), format_duration(seconds));
}

}  // namespace
}  // namespace hebb::apps

int main(int argc, char** argv) {
  hebb::apps::AssembliesSettings settings;
  return hebb::apps::run_app(
      {.name = "hebb-assemblies",
       .description = "Finds the neuronal assemblies of trained networks "
                      "and plots the figures of the BEAN paper."},
      argc, argv, [&](CLI::App& app) { settings.add_flags(app); },
      [&](const CLI::App& app) { hebb::apps::run(app, settings); });
}
