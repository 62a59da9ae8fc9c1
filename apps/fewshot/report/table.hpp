#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/statistics.hpp"
#include "apps/fewshot/queue/journal.hpp"

namespace hebb::apps {

/// One cell of the table: a method on a data set with some shots, over all draws. Accuracies are
/// in percent.
struct Cell {
  RunKey key;  ///< Its draw means nothing.
  MeanSummary accuracy;
  std::string baseline;             ///< The method that gains are over.
  std::optional<MeanSummary> gain;  ///< On the same draws; nothing for the baseline itself.
  double p = 1;                     ///< Signed-rank test of the gain.
  double p_holm = 1;                ///< Corrected over all cells of the table.
  std::optional<double> paper;      ///< The paper's accuracy.
};

/// The accuracies of a cell's draws 0 .. draws - 1, in percent.
std::vector<double> accuracies(const RunKey& cell, int64_t draws, const Results& results);

/// The cells for keys whose runs are all in `results`.
std::vector<Cell> make_table(std::span<const RunKey> keys, int64_t draws, const Results& results,
                             const std::string& baseline = "vanilla");

/// What tells the cells of a table apart, each in the order of its first appearance.
struct Layout {
  explicit Layout(std::span<const Cell> cells);

  std::vector<std::string> datasets, methods;
  std::vector<int64_t> shots;
};

/// The cell in this place; null where the table has none.
const Cell* find(std::span<const Cell> cells, const std::string& dataset, int64_t shots,
                 const std::string& method);

/// How many draws it takes before any of `comparisons` gains can be significant at 5 %. With n
/// draws the two-sided signed-rank test has no p below 2 / 2^n, which all draws with gains of one
/// sign give, and Holm's correction multiplies the smallest of m by m: the least n with
/// m 2^(1 - n) <= 0.05. Below it p says nothing, whatever the gains are.
int64_t draws_for_p(int64_t comparisons);

/// The paper's Table 1: "mnist", 1, "bean-1" gives 54.79.
std::optional<double> paper_accuracy(const std::string& dataset, int64_t shots,
                                     const std::string& method);

}  // namespace hebb::apps
