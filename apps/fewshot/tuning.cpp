#include "apps/fewshot/tuning.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>

#include "analysis/statistics.hpp"
#include "apps/fewshot/embedded.hpp"
#include "core/check.hpp"

namespace hebb::apps {
namespace {

Method method_of(const RunKey& cell) {
  return method_named(cell.method).under(cell.protocol.normalisation);
}

// What tells a cell apart, as it stands in the file.
Json to_json(const RunKey& cell) {
  Json json{{"dataset", cell.dataset}, {"shots", cell.shots}, {"method", cell.method}};
  if (method_of(cell).is_bean()) json["normalisation"] = name_of(cell.protocol.normalisation);
  return json;
}

}  // namespace

TunedValues TunedValues::parse(const std::string& text, const std::string& name) {
  TunedValues tuned;
  try {
    const Json file = Json::parse(text);
    for (const Json& cell : file.at("cells")) {
      TunedValue value{.dataset = cell.at("dataset"),
                       .shots = cell.at("shots"),
                       .method = cell.at("method"),
                       .value = cell.at("value")};
      if (cell.value("normalisation", "paper") == name_of(Normalisation::published_code))
        value.normalisation = Normalisation::published_code;
      tuned.values_.push_back(value);
    }
  } catch (const Json::exception& error) {
    fail<FormatError>("{}: no file of tuned values: {}", name, error.what());
  }
  return tuned;
}

TunedValues TunedValues::read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  check<IoError>(file.is_open(), "{}: cannot open", path);
  std::ostringstream text;
  text << file.rdbuf();
  return parse(text.str(), path);
}

TunedValues TunedValues::embedded() { return parse(embedded_tuned_json, "tuned.json"); }

std::optional<double> TunedValues::find(const std::string& dataset, int64_t shots,
                                        const Method& method, Normalisation normalisation) const {
  for (const TunedValue& v : values_)
    if (v.dataset == dataset && v.shots == shots && v.method == method.name &&
        (!method.is_bean() || v.normalisation == normalisation))
      return v.value;
  return std::nullopt;
}

std::vector<RunKey> trials(const RunKey& cell, int64_t draws) {
  std::vector<RunKey> keys;
  for (const double value : method_of(cell).grid)
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
  const auto rounded = [](double percent) { return std::round(percent * 100) / 100; };
  std::vector<std::string> lines;
  for (const RunKey& cell : cells) {
    Json values = Json::array(), means = Json::array(), errors = Json::array();
    double best = -1, best_value = 0;
    const std::vector<RunKey> keys = trials(cell, draws);
    for (size_t i = 0; i < keys.size(); i += size_t(draws)) {
      std::vector<double> percents;
      for (size_t k = i; k < i + size_t(draws); ++k)
        percents.push_back(results.at(keys[k].text()).percent());
      const MeanSummary accuracy = summarize(percents);
      values.push_back(keys[i].value);
      means.push_back(rounded(accuracy.mean));
      errors.push_back(rounded(accuracy.error));
      if (accuracy.mean > best) {
        best = accuracy.mean;
        best_value = keys[i].value;
      }
    }
    if (values.empty()) continue;
    Json entry = to_json(cell);
    entry["parameter"] = method_of(cell).parameter;
    entry["value"] = best_value;
    entry["trials"] = {
        {"values", values}, {"accuracies_percent", means}, {"standard_errors", errors}};
    lines.push_back("  " + entry.dump());
  }
  return fmt::format("{{\"command\": {}, \"draws\": {}, \"cells\": [\n{}\n]}}\n",
                     Json(command).dump(), draws, fmt::join(lines, ",\n"));
}

}  // namespace hebb::apps
