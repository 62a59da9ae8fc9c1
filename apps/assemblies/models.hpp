#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/assemblies/settings.hpp"
#include "data/dataset.hpp"
#include "data/transforms.hpp"
#include "layers/module.hpp"

namespace hebb::apps {

/// A network to analyse, and how it is trained.
struct ModelSpec {
  std::string text;          ///< As the flag has it: "lenet5@10+bean:order=2,alpha=100".
  std::string name;          ///< For files and flags: "lenet5-10shot-bean2-alpha100".
  std::string label;         ///< For people: "LeNet-5 + BEAN-2 (α = 100), 10-shot".
  std::string architecture;  ///< As make_model takes it.
  int64_t shots = 0;         ///< Samples of each class to train on; 0: all.
  std::vector<std::string> regularizers;  ///< As make_regularizer takes them.
  int bean_order = 0;                     ///< 0: without BEAN.
  std::string checkpoint = {};            ///< File of its weights; empty: it is trained.

  bool plain() const { return regularizers.empty(); }
};

/// The networks that the flags ask for, with their checkpoints. UsageError says what is wrong.
std::vector<ModelSpec> model_specs(const AssembliesSettings& settings);

struct TrainedModel {
  std::unique_ptr<Module> module;
  std::string origin;        ///< "trained in 12 s", "taken from model.safetensors", ...
  Transform transform = {};  ///< What it was trained to see its images through.
};

/// Trains the network, or takes its weights from its checkpoint or from an earlier run's file in
/// `folder` that was trained by the same rules. Nothing when ^C ended the training.
std::optional<TrainedModel> obtain_model(const ModelSpec& spec, const AssembliesSettings& settings,
                                         uint64_t seed, const Dataset& train,
                                         const std::filesystem::path& folder);

}  // namespace hebb::apps
