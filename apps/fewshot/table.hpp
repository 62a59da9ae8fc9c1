#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "analysis/statistics.hpp"
#include "apps/common/run_folder.hpp"
#include "apps/fewshot/journal.hpp"

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

/// The paper's Table 1: "mnist", 1, "bean-1" gives 54.79.
std::optional<double> paper_accuracy(const std::string& dataset, int64_t shots,
                                     const std::string& method);

std::string to_terminal(std::span<const Cell> cells);  ///< A small table for each data set.
std::string to_markdown(std::span<const Cell> cells);  ///< A row for each cell.
Json to_json(std::span<const Cell> cells);
/// A row for each run.
std::string to_csv(std::span<const RunKey> keys, int64_t draws, const Results& results);

/// The training images of every draw, a line for each: their numbers in the data set, class by
/// class, so that another program can train on the same ones.
std::string images_csv(std::span<const RunKey> keys, int64_t draws, const DataSets& data);

/// Rows of text as columns as wide as their widest cell, the first to the left, others right.
std::string in_columns(const std::vector<std::vector<std::string>>& rows);
/// The same rows as a table in Markdown, the first one its head.
std::string in_markdown(const std::vector<std::vector<std::string>>& rows);

}  // namespace hebb::apps
