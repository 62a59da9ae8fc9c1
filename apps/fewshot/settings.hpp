#pragma once

#include <string>
#include <vector>

#include "apps/fewshot/protocol_flags.hpp"
#include "apps/fewshot/report/ablation.hpp"
#include "apps/fewshot/study/run.hpp"
#include "apps/fewshot/tuning/tuned_values.hpp"

namespace CLI {
class App;
}

namespace hebb::apps {

/// The flags of hebb-fewshot.
struct FewShotSettings {
  std::vector<std::string> datasets = {"mnist"}, methods, values;
  std::vector<int64_t> shots = {1, 5, 10, 20};
  int64_t draws = 20, tuning_draws = 5;
  uint64_t seed = 0;
  bool table1 = false, ablate = false, tune = false, fresh = false, quiet = false;
  int threads = 0;
  int64_t replicas = 0;
  std::string data, output = "few-shot", tuned, against = "vanilla", device = "cpu";
  ProtocolFlags protocol;
  ImitationOptions imitation;

  void add_flags(CLI::App& app);
  /// UsageError for what cannot be; fills in what other flags imply.
  void check_and_complete(const CLI::App& app);

  /// The table's cells in its order: data sets, shots, methods. Values come from --value, from
  /// what was tuned, or from the method's default.
  std::vector<RunKey> cells(const Protocol& run_protocol, bool published) const;
  /// Those that --tune is to tune: BEAN's under both normalisations.
  std::vector<RunKey> cells_to_tune() const;
  /// All variants of the protocol for each data set and number of shots; those of one pair follow
  /// each other, the protocol itself first.
  std::vector<Ablation> ablations() const;
  Device training_device() const;
  /// How many runs of a cell train at once, in this many processes: as --replicas says, or all on
  /// a GPU and one on the CPU or where there are several processes.
  int64_t runs_at_once(int processes) const;

 private:
  void add_study_flags(CLI::App& app);
  void add_mode_flags(CLI::App& app);
  void add_imitation_flags(CLI::App& app);
  void add_output_flags(CLI::App& app);

  void complete(const CLI::App& app);
  void check_methods(const CLI::App& app) const;
  void check_values() const;

  double value_for(const RunKey& cell, bool published, const TunedValues& tuned_values) const;
};

}  // namespace hebb::apps
