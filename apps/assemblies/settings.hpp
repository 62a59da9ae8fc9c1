#pragma once

#include <string>
#include <vector>

#include "apps/common/run_folder.hpp"

namespace CLI {
class App;
}

namespace hebb::apps {

/// The flags of hebb-assemblies, as given.
struct AssembliesSettings {
  std::string figures = "all", dataset = "mnist", data, models, output;
  std::vector<std::string> checkpoints;
  std::vector<uint64_t> seeds = {1};
  int64_t epochs = 12, train_limit = 0, test_limit = 0, shot_epochs = 50, batch_size = 100,
          clusters = 10;
  double lr = 5e-4;
  uint64_t seed = 0;
  std::string device = "cpu";
  int threads = 0;
  bool quick = false, quiet = false;

  void add_flags(CLI::App& app);
  /// What --quick stands for, where the flags say nothing else.
  void apply_quick(const CLI::App& app);
  /// The paper's figures that were asked for, of 1 to 6. UsageError for others.
  std::vector<int> figure_numbers() const;
  Json to_json() const;
};

}  // namespace hebb::apps
