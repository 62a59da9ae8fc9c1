#include "apps/fewshot/tuning/tuning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <span>

#include "analysis/statistics.hpp"
#include "apps/common/json.hpp"
#include "apps/fewshot/study/method.hpp"

namespace hebb::apps {
namespace {

// What tells a cell apart, as it stands in the file.
Json to_json(const RunKey& cell) {
  Json json{{"dataset", cell.dataset}, {"shots", cell.shots}, {"method", cell.method}};
  if (known_methods().at(cell.method).has_normalization())
    json["normalisation"] = known_normalizations().name_of(cell.protocol.normalization);
  return json;
}

MeanSummary accuracy_of(std::span<const RunKey> keys, const Results& results) {
  std::vector<double> percents;
  for (const RunKey& key : keys) percents.push_back(results.at(key.text()).percent());
  return summarize(percents);
}

// A cell with the best value and all trials.
Json chosen(const RunKey& cell, std::span<const RunKey> trials, size_t draws,
            const Results& results) {
  const auto rounded = [](double percent) { return std::round(percent * 100) / 100; };
  Json values = Json::array(), means = Json::array(), errors = Json::array();
  double best = -1, best_value = 0;
  for (; !trials.empty(); trials = trials.subspan(draws)) {
    const MeanSummary accuracy = accuracy_of(trials.first(draws), results);
    values.push_back(trials[0].value);
    means.push_back(rounded(accuracy.mean));
    errors.push_back(rounded(accuracy.error));
    if (accuracy.mean > best) {
      best = accuracy.mean;
      best_value = trials[0].value;
    }
  }
  Json entry = to_json(cell);
  entry["parameter"] = known_methods().at(cell.method).parameter;
  entry["value"] = best_value;
  entry["trials"] = {
      {"values", values}, {"accuracies_percent", means}, {"standard_errors", errors}};
  return entry;
}

}  // namespace

std::vector<RunKey> trials(const RunKey& cell, int64_t draws) {
  const Method& method = known_methods().at(cell.method);
  std::vector<RunKey> keys;
  if (method.parameter.empty()) return keys;
  for (const double value : method.tuning_under(cell.protocol.normalization).grid)
    for (int64_t draw = 0; draw < draws; ++draw) {
      keys.push_back(cell);
      keys.back().stage = Stage::tune;
      keys.back().value = value;
      keys.back().draw = draw;
    }
  return keys;
}

std::string choose(const std::vector<RunKey>& cells, int64_t draws, const Results& results,
                   const std::string& command) {
  std::vector<std::string> lines;
  for (const RunKey& cell : cells)
    if (const std::vector<RunKey> keys = trials(cell, draws); !keys.empty())
      lines.push_back(fmt::format("  {}", chosen(cell, keys, size_t(draws), results).dump()));
  return fmt::format("{{\"command\": {}, \"draws\": {}, \"cells\": [\n{}\n]}}\n",
                     Json(command).dump(), draws, fmt::join(lines, ",\n"));
}

}  // namespace hebb::apps
