#include "apps/fewshot/tuning/tuned_values.hpp"

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "apps/common/json_number.hpp"
#include "apps/fewshot/embedded.hpp"
#include "apps/fewshot/study/method.hpp"
#include "core/check.hpp"

namespace hebb::apps {

TunedValues TunedValues::parse(const std::string& text, const std::string& name) {
  TunedValues tuned;
  size_t number = 0;
  try {
    const Json file = Json::parse(text);
    for (const Json& cell : file.at("cells")) {
      ++number;
      const std::string form = cell.value("normalisation", "paper");
      const std::string method = cell.at("method");
      tuned.values_.push_back(
          {.dataset = cell.at("dataset"),
           .shots = read_integer(cell, "shots", {.at_least = 1, .at_most = 1e9}),
           .method = method,
           .normalization = known_normalizations().at(form),
           .value = read_number(cell, "value", known_methods().at(method).range)});
    }
  } catch (const std::exception& error) {
    fail<FormatError>("{}: no file of tuned values: {}{}", name,
                      number > 0 ? fmt::format("cell {}: ", number) : "", error.what());
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
                                        const std::string& method,
                                        Normalization normalization) const {
  const bool has_normalization = known_methods().at(method).has_normalization();
  for (const TunedValue& v : values_)
    if (v.dataset == dataset && v.shots == shots && v.method == method &&
        (!has_normalization || v.normalization == normalization))
      return v.value;
  return std::nullopt;
}

}  // namespace hebb::apps
