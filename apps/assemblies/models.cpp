#include "apps/assemblies/models.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <chrono>
#include <set>

#include "apps/common/app.hpp"
#include "apps/common/flags.hpp"
#include "apps/common/normalization.hpp"
#include "apps/common/progress.hpp"
#include "core/serialize.hpp"
#include "core/spec.hpp"
#include "core/version.hpp"
#include "data/few_shot.hpp"
#include "layers/models/registry.hpp"
#include "optim/optim.hpp"
#include "regularizers/regularizers.hpp"

namespace hebb::apps {
namespace {

namespace fs = std::filesystem;

// The paper's networks, with the strengths at which assemblies form (normalised as its code does).
constexpr std::string_view default_models =
    "mlp,"
    "mlp+bean:order=1,alpha=30,normalisation=published-code,"
    "mlp+bean:order=2,alpha=3000,normalisation=published-code,"
    "lenet5,"
    "lenet5+bean:order=1,alpha=3,normalisation=published-code,"
    "lenet5+bean:order=2,alpha=300,normalisation=published-code,"
    "lenet5@10+bean:order=2,alpha=100,normalisation=published-code";

// Commas separate networks and the settings of a regularizer; a setting has "=" and no ":".
std::vector<std::string> split_models(const std::string& text) {
  std::vector<std::string> models;
  for (const std::string& part : CLI::detail::split(text, ',')) {
    const size_t equals = part.find('=');
    if (!models.empty() && equals != part.npos && part.find(':') > equals)
      models.back() += ',' + part;
    else
      models.push_back(part);
  }
  return models;
}

// A "+" begins a regularizer where a regularizer's name follows: it also joins layers' names.
std::vector<std::string> split_parts(const std::string& text) {
  std::vector<std::string> parts;
  for (const std::string& part : CLI::detail::split(text, '+')) {
    const std::string name = part.substr(0, part.find(':'));
    const bool setting = part.find(':') == part.npos && parts.size() > 1 &&
                         parts.back().find("layers=") != parts.back().npos &&
                         !known_regularizers().contains(name);
    if (setting)
      parts.back() += '+' + part;
    else
      parts.push_back(part);
  }
  return parts;
}

std::string readable(const std::string& architecture) {
  if (architecture == "lenet5") return "LeNet-5";
  if (architecture == "resnet18") return "ResNet-18";
  return architecture.starts_with("mlp") ? "MLP" + architecture.substr(3) : architecture;
}

std::string safe(std::string text) {
  for (char& c : text)
    if (!isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-') c = '-';
  return text;
}

ModelSpec parse_model(const std::string& text) {
  const std::vector<std::string> parts = split_parts(text);
  ModelSpec spec{
      .text = text, .name = {}, .label = {}, .architecture = parts[0], .regularizers = {}};
  const size_t at = parts[0].find('@');
  if (at != std::string::npos) {
    spec.architecture = parts[0].substr(0, at);
    spec.shots = parse_number<int64_t>(parts[0].substr(at + 1), some,
                                       fmt::format("the shots of \"{}\":", text));
  }
  spec.name = safe(spec.architecture);
  spec.label = readable(spec.architecture);
  if (spec.shots > 0) spec.name += fmt::format("-{}shot", spec.shots);
  for (size_t i = 1; i < parts.size(); ++i) {
    const std::string& part = parts[i];
    if (!part.starts_with("bean")) {
      spec.name += '-' + safe(part);
      spec.label += " + " + part;
    } else if (const auto made = make_regularizer(part); true) {
      const BeanOptions& bean = dynamic_cast<const Bean&>(*made).options();
      spec.bean_order = bean.order;
      spec.name += fmt::format("-bean{}-alpha{:g}", bean.order, bean.alpha);
      spec.label += fmt::format(" + BEAN-{} (α = {:g})", bean.order, bean.alpha);
    }
    spec.regularizers.push_back(part);
  }
  if (spec.shots > 0) spec.label += fmt::format(", {}-shot", spec.shots);
  return spec;
}

// What a training's random numbers are for.
enum Purpose : uint64_t { weights, training, training_samples };

std::string recipe(const ModelSpec& spec, const AssembliesSettings& s, uint64_t seed) {
  const int64_t epochs = spec.shots > 0 ? s.shot_epochs : s.epochs;
  const int64_t batch = spec.shots > 0 ? 1 : s.batch_size;
  const std::string device = s.device == "cpu" ? "" : " on " + s.device;
  return fmt::format("{} on {}, {} epochs of {}, batch {}, Adam {}, seed {}, version {}{}",
                     spec.text, s.dataset, epochs,
                     spec.shots > 0      ? fmt::format("{} shots", spec.shots)
                     : s.train_limit > 0 ? fmt::format("{} images", s.train_limit)
                                         : "all images",
                     batch, s.lr, seed, version(), device);
}

bool train(Module& model, const ModelSpec& spec, const AssembliesSettings& s, uint64_t seed,
           const Dataset& all) {
  const Generator random(seed);
  Dataset data = all;
  if (spec.shots > 0)
    data = all.subset(few_shot(all, random.fork(training_samples), {.shots = spec.shots}));
  else if (s.train_limit > 0 && s.train_limit < all.size())
    data = all.subset(random_subset(all.size(), s.train_limit, random.fork(training_samples)));
  model.to(parse_device(s.device));
  Adam optimizer(model.parameters(), {.lr = s.lr});
  const int64_t epochs = spec.shots > 0 ? s.shot_epochs : s.epochs;
  Trainer trainer(model, optimizer, make_regularizers(spec.regularizers, model.parameters()),
                  {.epochs = epochs,
                   .batch_size = spec.shots > 0 ? 1 : s.batch_size,
                   .seed = random.fork(training).seed()});
  Progress progress(spec.name, epochs, s.quiet);
  trainer.on_epoch = [&](const EpochMetrics& metrics) {
    progress.update(metrics.epoch, fmt::format("training {:.2f} %", 100 * metrics.train.accuracy));
  };
  trainer.stop_requested = Interrupt::requested;
  const bool done = trainer.fit({.train = &data}) != Stopped::requested;
  model.to(Device::cpu());  // where it is looked at
  return done;
}

}  // namespace

std::vector<ModelSpec> model_specs(const AssembliesSettings& settings) {
  std::vector<ModelSpec> specs;
  std::vector<std::string> names;
  for (const std::string& text :
       split_models(settings.models.empty() ? std::string(default_models) : settings.models)) {
    specs.push_back(parse_flag("--models", [&] { return parse_model(text); }));
    ModelSpec& spec = specs.back();
    // Networks that differ in what the name leaves out are numbered.
    const auto same = std::ranges::count_if(
        names, [&](const std::string& name) { return name.starts_with(spec.name); });
    if (std::ranges::find(names, spec.name) != names.end())
      spec.name += fmt::format("-{}", same + 1);
    names.push_back(spec.name);
  }
  for (const std::string& text : settings.checkpoints) {
    const size_t equals = text.find('=');
    const auto found = std::ranges::find(specs, text.substr(0, equals), &ModelSpec::name);
    if (equals == text.npos || found == specs.end())
      throw UsageError(
          fmt::format("--checkpoint: expected NAME=FILE with one of the names {}, got \"{}\"",
                      fmt::join(names, ", "), text));
    found->checkpoint = text.substr(equals + 1);
  }
  return specs;
}

std::optional<TrainedModel> obtain_model(const ModelSpec& spec, const AssembliesSettings& settings,
                                         uint64_t seed, const Dataset& all,
                                         const fs::path& folder) {
  TrainedModel model{.module = parse_flag("--models",
                                          [&] {
                                            return make_model(
                                                spec.architecture,
                                                {.input = all.images.shape().without(0),
                                                 .classes = all.classes,
                                                 .generator = Generator(seed).split(weights)});
                                          }),
                     .origin = {}};
  if (!spec.checkpoint.empty()) {
    const SafetensorsFile saved = load_safetensors(spec.checkpoint);
    model.module->load_state(saved.tensors);
    model.transform = read_normalization(saved.metadata);
    model.origin = "taken from " + fs::path(spec.checkpoint).filename().string();
    return model;
  }
  const fs::path file = folder / fmt::format("{}-seed{}.safetensors", spec.name, seed);
  const std::string rules = recipe(spec, settings, seed);
  if (fs::exists(file)) {
    const SafetensorsFile saved = load_safetensors(file);
    const auto found = saved.metadata.find("recipe");
    if (found != saved.metadata.end() && found->second == rules) {
      model.module->load_state(saved.tensors);
      model.origin = "trained by an earlier run";
      return model;
    }
  }
  const auto start = std::chrono::steady_clock::now();
  if (!train(*model.module, spec, settings, seed, all)) return {};
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fs::create_directories(folder);
  save_safetensors(
      file, model.module->state(),
      {{"model", spec.architecture}, {"dataset", settings.dataset}, {"recipe", rules}});
  model.origin = fmt::format("trained in {}", format_duration(seconds));
  return model;
}

}  // namespace hebb::apps
