#include "apps/fewshot/tuning/tuning.hpp"

#include <nlohmann/json.hpp>
#include <set>

#include "apps/common/json.hpp"
#include "apps/fewshot/tuning/tuned_values.hpp"
#include "core/error.hpp"
#include "tests/apps/fewshot/support.hpp"

namespace hebb::apps {
namespace {

using test::short_run;

TEST_CASE("Every method gets as many trials", "[apps]") {
  for (const auto& [name, method, settings] : known_methods())
    for (const Normalization form : {Normalization::paper, Normalization::published_code}) {
      RunKey cell = short_run(std::string(name));
      cell.protocol.normalization = form;
      std::set<std::string> names;
      for (const RunKey& trial : trials(cell, 2)) names.insert(trial.text());
      CHECK(names.size() == (method.parameter.empty() ? 0 : 12));
    }
}

TEST_CASE("The best trial is chosen", "[apps]") {
  RunKey cell = short_run("l1", 5);
  Results results;
  for (const RunKey& trial : trials(cell, 2))
    results[trial.text()] = {.correct = trial.value == 3e-5 ? 60 + trial.draw : 50, .total = 100};
  const std::string text =
      choose({cell, short_run("gaussian-process")}, 2, results, "hebb-fewshot --tune");
  INFO(text);
  const Json chosen = Json::parse(text);
  REQUIRE(chosen["cells"].size() == 1);  // a Gaussian process has nothing to tune
  CHECK(chosen["cells"][0]["trials"]["values"].size() == 6);
  CHECK(chosen["cells"][0]["trials"]["accuracies_percent"][2] == 60.5);
  const TunedValues tuned = TunedValues::parse(text, "here");
  CHECK(tuned.find("digits", 5, "l1", Normalization::paper).value_or(0) == 3e-5);
  CHECK(!tuned.find("digits", 1, "l1", Normalization::paper));
  CHECK_THROWS_AS(TunedValues::parse("{}", "here"), FormatError);
  CHECK_NOTHROW(TunedValues::embedded());
  const auto file_with = [](const std::string& shots, const std::string& value) {
    return R"({"cells":[{"dataset":"mnist","shots":1,"method":"l1","value":1},)"
           R"({"dataset":"mnist","method":"l1","shots":)" +
           shots + ",\"value\":" + value + "}]}";
  };
  CHECK(TunedValues::parse(file_with("5", "2"), "here")
            .find("mnist", 5, "l1", Normalization::paper)
            .value_or(0) == 2);
  for (const std::string shots : {"1e30", "-1e30", "0", "1.0", "9223372036854775808", "\"1\""})
    CHECK_THROWS_WITH(TunedValues::parse(file_with(shots, "1"), "here"),
                      ContainsSubstring("here: no file of tuned values: cell 2: expected an "
                                        "integer at least 1") &&
                          ContainsSubstring(shots.substr(0, 2)));
  for (const std::string value : {"-1", "null", "\"1\""})
    CHECK_THROWS_WITH(TunedValues::parse(file_with("5", value), "here"),
                      ContainsSubstring("cell 2: expected a number at least 0"));
}

}  // namespace
}  // namespace hebb::apps
