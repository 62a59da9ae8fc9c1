#pragma once

#include <string>
#include <vector>

#include "apps/fewshot/queue/journal.hpp"
#include "apps/fewshot/report/rows.hpp"

namespace hebb::apps {

/// A protocol with what it changes, for the table of what each change is worth.
struct Variant {
  std::string label;
  Protocol protocol;
  bool published = false;  ///< All of the authors' choices, their dropout probability included.
};
/// The protocol itself, then each switch alone, then the published one with as many validation
/// images.
std::vector<Variant> variants(const Protocol& base, int64_t shots);

/// A variant of the protocol and its cells on one data set with one number of shots.
struct Ablation {
  std::string dataset;
  int64_t shots = 0;
  std::string label;
  std::vector<RunKey> cells;  ///< One for each method.
};

/// A table for each data set and number of shots, whose ablations follow each other: a row for each
/// variant, a column for each method, with the mean accuracy in percent and, below the first row,
/// the paired difference to it with its 95 % interval. `format` lays out the rows.
std::string ablation_table(const std::vector<Ablation>& ablations, int64_t draws,
                           const Results& results, std::string (*format)(const Rows& rows));

}  // namespace hebb::apps
