#include "apps/fewshot/journal.hpp"
#include "apps/fewshot/schedule.hpp"
#include "apps/fewshot/table.hpp"
#include "apps/fewshot/tuning.hpp"
#include "core/error.hpp"
#include "tests/apps/fewshot_support.hpp"

namespace hebb::apps {
namespace {

using test::short_run;
using test::TemporaryFolder;
using test::text_of;

DataSets tiny_data() {
  DataSets data;
  data["digits"] = std::make_unique<RunData>(
      DataPair{.train = digits({.samples = 240}), .test = digits({.samples = 30, .first = 240})});
  return data;
}

std::vector<RunKey> tiny_runs() {
  std::vector<RunKey> keys;
  for (const char* method : {"vanilla", "bean-1"})
    for (int64_t draw = 0; draw < 2; ++draw) {
      keys.push_back(short_run(method));
      keys.back().draw = draw;
      keys.back().protocol.epochs = 1;
    }
  return keys;
}

std::vector<RunKey> cells_of(const std::vector<RunKey>& keys) { return {keys[0], keys[2]}; }

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST_CASE("Wherever a journal is cut off, the runs go on to the same results", "[apps]") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl";
  const DataSets data = tiny_data();
  const std::vector<RunKey> keys = tiny_runs();
  const Communicator alone;
  std::string csv;
  {
    Journal journal(path, "cpu");
    REQUIRE(execute(keys, data, journal, alone, true));
    csv = to_csv(cells_of(keys), 2, journal.results());
  }
  const std::string whole = text_of(path);
  for (size_t length = 0; length <= whole.size(); ++length) {
    write(path, whole.substr(0, length));
    const auto lines = size_t(std::ranges::count(whole.substr(0, length), '\n'));
    Journal journal(path, "cpu");
    REQUIRE(journal.results().size() == (lines == 0 ? 0 : lines - 1));
    // To run the missing ones each time would take long: at line ends and in every tenth place.
    if (length % 10 != 0 && whole[length - (length > 0)] != '\n') continue;
    REQUIRE(execute(keys, data, journal, alone, true));
    REQUIRE(to_csv(cells_of(keys), 2, journal.results()) == csv);
  }
}

TEST_CASE("A journal is not mixed with other numbers, nor read when damaged", "[apps]") {
  const TemporaryFolder folder;
  const std::string path = folder / "runs.jsonl";
  { Journal(path, "cpu (v3)").append("a", {.correct = 1, .total = 2}); }
  CHECK_THROWS_AS(Journal(path, "cpu (v4)"), ValueError);
  CHECK(Journal(path, "cpu (v3)").results().at("a").correct == 1);

  const std::string whole = text_of(path);
  write(path, whole + "{\"run\": 3}\n");
  CHECK_THROWS_AS(Journal(path, "cpu (v3)"), FormatError);
  write(path, "something else\n");
  CHECK_THROWS_AS(Journal(path, "cpu (v3)"), FormatError);

  write(path, whole);
  const Journal first(path, "cpu (v3)");
  CHECK_THROWS_AS(Journal(path, "cpu (v3)"), IoError);  // two at a time
  CHECK_THROWS_AS(Journal(folder.path(), "cpu (v3)"), IoError);
}

TEST_CASE("The table compares each method with vanilla on the same draws", "[apps]") {
  const int64_t draws = 6;
  std::vector<RunKey> cells;
  Results results;
  for (const char* method : {"vanilla", "dropout", "bean-1"}) {
    cells.push_back({.dataset = "mnist", .shots = 1, .method = method, .value = 1});
    for (int64_t draw = 0; draw < draws; ++draw) {
      RunKey key = cells.back();
      key.draw = draw;
      const int64_t gain = key.method == "bean-1" ? 100 + draw : key.method == "dropout" ? 5 : 0;
      results[key.text()] = {.correct = 4000 + 300 * draw + gain, .total = 10'000};
    }
  }
  const std::vector<Cell> table = make_table(cells, draws, results);
  REQUIRE(table.size() == 3);
  CHECK(!table[0].gain);
  CHECK(table[0].accuracy.mean == Approx(47.5));
  CHECK(*table[0].paper == Approx(38.63));
  CHECK(*table[2].paper == Approx(54.79));
  CHECK(table[2].gain->mean == Approx(1.025));
  CHECK(table[2].gain->deviation == Approx(0.0187083));
  CHECK(table[2].p == Approx(0.03125));
  CHECK(table[2].p_holm == Approx(0.0625));  // two comparisons
  CHECK(table[1].gain->margin == Approx(0).margin(1e-9));

  const std::string text = to_terminal(table), markdown = to_markdown(table);
  for (const char* part : {"47.50 ± 5.89", "54.79", "+1.02 ± 0.02", "0.062"})
    CHECK(test::contains(text, part));
  CHECK(test::contains(markdown, "| mnist | 1 | bean-1 | alpha 1 | 6 | 48.52 |"));
  CHECK(std::ranges::count(to_csv(cells, draws, results), '\n') == 1 + 3 * draws);
  CHECK(to_json(table)[2]["gain_over_vanilla"]["mean"].get<double>() == Approx(1.025));
  const std::vector<Cell> other = make_table(cells, draws, results, "bean-1");
  CHECK(to_json(other)[0]["gain_over_bean-1"]["mean"].get<double>() == Approx(-1.025));
  CHECK(!other[2].gain);
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
  CHECK(tuned.find("digits", 5, method_named("l1"), Normalisation::paper).value_or(0) == 3e-5);
  CHECK(!tuned.find("digits", 1, method_named("l1"), Normalisation::paper));
  CHECK_THROWS_AS(TunedValues::parse("{}", "here"), FormatError);
  CHECK_NOTHROW(TunedValues::embedded());
}

}  // namespace
}  // namespace hebb::apps
