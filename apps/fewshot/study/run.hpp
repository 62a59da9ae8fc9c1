#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "apps/fewshot/study/imitation_options.hpp"
#include "apps/fewshot/study/protocol.hpp"
#include "data/dataset.hpp"
#include "data/loader.hpp"

namespace hebb::apps {

/// What a run is for: the table, or the choice of hyper-parameters. The two share no image.
enum class Stage { report, tune };

/// Names a run; all of its random numbers follow from it.
struct RunKey {
  std::string dataset = "mnist";
  int64_t shots = 1;
  std::string method = "vanilla";
  double value = 5e-4;  ///< Of the method's parameter.
  int64_t draw = 0;
  uint64_t seed = 0;
  Stage stage = Stage::report;
  Device device = {};  ///< That trains; no part of the name, as a journal is of one backend.
  Protocol protocol = {};
  ImitationOptions imitation = {};

  /// The run's name in the journal: everything above that has a say in its result, and nothing
  /// else, so that a switch that does not concern a method does not make it run again.
  std::string text() const;
};

/// A whole number of right answers, so that equal results are equal bits.
struct RunResult {
  int64_t correct = 0, total = 0;
  int64_t epoch = 0;  ///< Of the weights that were tested.
  int64_t validation_correct = 0, validation_total = 0;
  double seconds = 0;

  double percent() const { return 100.0 * double(correct) / double(total); }
};

/// A data set for many runs at once: read only.
struct RunData {
  explicit RunData(DataPair pair);

  Dataset train;
  Batch test;  ///< As floats, on which every run is tested.
};

/// Data sets by name.
using DataSets = std::map<std::string, std::unique_ptr<RunData>>;

/// Trains and tests one network, on the calling thread alone. The same bits on every thread;
/// nothing when `stop_requested` said so.
std::optional<RunResult> run_once(const RunKey& key, const RunData& data,
                                  const std::function<bool()>& stop_requested = {});

/// The same of runs whose keys differ in draw and value alone, by a method that has run_together:
/// at once, as replicas of one network, on all threads. On the CPU their results are those of
/// run_once, but for `seconds`, of which each has an equal share.
std::optional<std::vector<RunResult>> run_together(
    std::span<const RunKey> keys, const RunData& data,
    const std::function<bool()>& stop_requested = {});

}  // namespace hebb::apps
