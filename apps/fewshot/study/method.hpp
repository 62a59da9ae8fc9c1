#pragma once

#include <array>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apps/fewshot/study/draw.hpp"
#include "apps/fewshot/study/run.hpp"
#include "core/choice.hpp"
#include "core/spec.hpp"

namespace hebb::apps {

/// What a method trains on and is tested with.
struct Task {
  const RunKey& key;
  const Dataset& dataset;  ///< That the draw's indices are of.
  const Draw& draw;        ///< One for all tasks of the same draw, as is `tested`.
  Batch images;            ///< The draw's.
  const Batch& tested;     ///< The test set, or what scores a tuning run.
  const std::function<bool()>& stop_requested;  ///< May be empty.

  bool stopped() const { return stop_requested && stop_requested(); }
};

/// How a method's parameter is chosen.
struct Tuning {
  double fallback = 0;              ///< Its value where nothing has been tuned.
  std::array<double, 6> grid = {};  ///< What --tune tries: as many values for every method.
};

/// A row of the table: what is done against overfitting, and the one number that is tuned for it.
struct Method {
  std::string_view parameter = {};  ///< What is tuned; "" for nothing.
  Range range = {.at_least = 0};    ///< The parameter's.
  Tuning tuning = {};
  /// Instead, where BEAN is normalised as in the published code; nothing for methods that the
  /// normalisation does not concern.
  std::optional<Tuning> published_code_tuning = {};
  double published = NAN;        ///< The parameter's value in the authors' code; NaN: tuned too.
  bool follows_protocol = true;  ///< Whether it makes sense to vary the protocol.
  bool in_paper = true;          ///< Whether the paper's Table 1 has it.
  bool on_any_device = true;     ///< Whether it may train elsewhere than on the CPU.

  /// What else of the key has a say in the results, as RunKey::text has it: " lr=0.0005 ...".
  std::function<std::string(const RunKey&)> settings = {};
  /// Trains and tests: the result without its total and seconds, or nothing when asked to stop.
  std::function<std::optional<RunResult>(const Task&)> run = {};
  /// The same of several tasks at once, whose keys differ in draw and value alone, with the results
  /// of `run` of each; nothing for a method that knows no such way.
  std::function<std::optional<std::vector<RunResult>>(std::span<const Task>)> run_together = {};

  bool has_normalization() const { return published_code_tuning.has_value(); }
  const Tuning& tuning_under(Normalization normalization) const;
};

/// vanilla, dropout, weight-decay, l1, imitation, bean-1, bean-2 as in the paper's Table 1, and
/// gaussian-process, the reference model of the imitation networks.
const Choices<Method>& known_methods();

}  // namespace hebb::apps
