#pragma once

#include <string>
#include <vector>

#include "apps/fewshot/journal.hpp"
#include "apps/fewshot/settings.hpp"

namespace hebb::apps {

/// A variant of the protocol and its cells on one data set with one number of shots.
struct Ablation {
  std::string dataset;
  int64_t shots = 0;
  std::string label;
  std::vector<RunKey> cells;  ///< One for each method.
};

/// All variants of the settings' protocol for each data set and number of shots; those of one pair
/// follow each other, the protocol itself first.
std::vector<Ablation> make_ablations(const FewShotSettings& settings);

/// A table for each data set and number of shots: a row for each variant, a column for each
/// method, with the mean accuracy in percent and, below the first row, the paired difference to it
/// with its 95 % interval. `format` lays out rows of text.
std::string ablation_table(
    const std::vector<Ablation>& ablations, int64_t draws, const Results& results,
    std::string (*format)(const std::vector<std::vector<std::string>>& rows));

}  // namespace hebb::apps
