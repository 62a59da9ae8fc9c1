#include "apps/fewshot/queue/journal.hpp"

#include "apps/fewshot/queue/schedule.hpp"
#include "apps/fewshot/report/formats.hpp"
#include "core/error.hpp"
#include "distributed/single/single.hpp"
#include "tests/apps/fewshot/support.hpp"

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
  SingleCommunicator alone;
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
  // Numbers that no count is, or that no integer holds.
  const std::string run =
      R"({"run":"b","correct":C,"total":2,"epoch":0,"validation_correct":0,"validation_total":0,"seconds":1})";
  for (const std::string count : {"1e30", "-1e30", "1.5", "-1", "9223372036854775808",
                                  "18446744073709551615", "1e400", "true", "null", "\"1\"", "[]"}) {
    CAPTURE(count);
    std::string line = run;
    line.replace(line.find('C'), 1, count);
    write(path, whole + line + '\n');
    CHECK_THROWS_AS(Journal(path, "cpu (v3)"), FormatError);
    CHECK_THROWS_WITH(Journal(path, "cpu (v3)"), ContainsSubstring("line 3 is no record of a run"));
  }
  write(path, "something else\n");
  CHECK_THROWS_AS(Journal(path, "cpu (v3)"), FormatError);

  write(path, whole);
  const Journal first(path, "cpu (v3)");
  CHECK_THROWS_AS(Journal(path, "cpu (v3)"), IoError);  // two at a time
  CHECK_THROWS_AS(Journal(folder.path(), "cpu (v3)"), IoError);
}

}  // namespace
}  // namespace hebb::apps
