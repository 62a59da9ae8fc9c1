#include "apps/fewshot/report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "apps/fewshot/embedded.hpp"

namespace hebb::apps {
std::vector<double> accuracies(const RunKey& cell, int64_t draws, const Results& results) {
  std::vector<double> percents;
  RunKey key = cell;
  for (key.draw = 0; key.draw < draws; ++key.draw)
    percents.push_back(results.at(key.text()).percent());
  return percents;
}

std::vector<Cell> make_table(std::span<const RunKey> keys, int64_t draws, const Results& results,
                             const std::string& baseline) {
  std::vector<Cell> cells;
  for (const RunKey& key : keys)
    cells.push_back({.key = key,
                     .accuracy = summarize(accuracies(key, draws, results)),
                     .baseline = baseline,
                     .gain = {},
                     .paper = paper_accuracy(key.dataset, key.shots, key.method)});
  std::vector<Cell*> compared;
  std::vector<double> p_values;
  for (Cell& cell : cells) {
    const Cell* other = find(cells, cell.key.dataset, cell.key.shots, baseline);
    if (!other || other == &cell) continue;
    std::vector<double> differences = accuracies(cell.key, draws, results);
    const std::vector<double> before = accuracies(other->key, draws, results);
    for (size_t i = 0; i < differences.size(); ++i) differences[i] -= before[i];
    cell.gain = summarize(differences);
    cell.p = signed_rank_test(differences);
    compared.push_back(&cell);
    p_values.push_back(cell.p);
  }
  const std::vector<double> corrected = holm_correction(p_values);
  for (size_t i = 0; i < compared.size(); ++i) compared[i]->p_holm = corrected[i];
  return cells;
}

Layout::Layout(std::span<const Cell> cells) {
  const auto add = [](auto& values, const auto& value) {
    if (std::ranges::find(values, value) == values.end()) values.push_back(value);
  };
  for (const Cell& cell : cells) {
    add(datasets, cell.key.dataset);
    add(methods, cell.key.method);
    add(shots, cell.key.shots);
  }
}

const Cell* find(std::span<const Cell> cells, const std::string& dataset, int64_t shots,
                 const std::string& method) {
  const auto found = std::ranges::find_if(cells, [&](const Cell& cell) {
    return cell.key.dataset == dataset && cell.key.shots == shots && cell.key.method == method;
  });
  return found == cells.end() ? nullptr : &*found;
}

int64_t draws_for_p(int64_t comparisons) {
  int64_t draws = 1;
  for (double least = double(comparisons); least > 0.05; least /= 2) ++draws;
  return draws;
}

std::optional<double> paper_accuracy(const std::string& dataset, int64_t shots,
                                     const std::string& method) {
  const std::string prefix = fmt::format("{},{},{},", dataset, method, shots);
  std::istringstream lines(embedded_paper_csv);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with(prefix)) return std::stod(line.substr(prefix.size()));
  return std::nullopt;
}

}  // namespace hebb::apps
