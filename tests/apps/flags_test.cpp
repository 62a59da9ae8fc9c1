#include "tests/apps/process.hpp"
#include "tests/catch.hpp"

namespace hebb::test {
namespace {

struct Program {
  const char* name;
  std::vector<std::string> needed = {};  ///< What comes before the flags.
};

const Program hebb_train{"hebb-train"}, hebb_fewshot{"hebb-fewshot"},
    hebb_assemblies{"hebb-assemblies", {"--output", "never-made"}};

std::vector<Program> programs() {
  std::vector<Program> all = {hebb_train, hebb_fewshot, hebb_assemblies};
#ifdef HEBB_HAS_BENCH
  all.push_back({"hebb-bench"});
  all.push_back({"hebb-bench", {"conv"}});
#endif
#ifdef HEBB_HAS_DATA_TOOL
  all.push_back({"hebb-data", {"fetch", "mnist"}});
  all.push_back({"hebb-data", {"make", "digits", "--output", "never-made"}});
  all.push_back({"hebb-data", {"inspect", "never-there"}});
#endif
  return all;
}

ProcessResult run(const Program& program, const std::vector<std::string>& flags) {
  std::vector<std::string> command = {std::string(HEBB_BIN "/") + program.name};
  command.insert(command.end(), program.needed.begin(), program.needed.end());
  command.insert(command.end(), flags.begin(), flags.end());
  return run_process(command);
}

// A flag that --help shows as one for a number, and what it says there.
struct Flag {
  std::string name, entry;
  bool integer = false;
};

std::vector<Flag> number_flags(const Program& program) {
  const std::string help = run(program, {"--help"}).output;
  // CLI11's words for flags that take their numbers in another way than all others.
  for (const char* type : {" INT ", " UINT ", " FLOAT ", " INT:", " FLOAT:"})
    CHECK_THAT(help, !ContainsSubstring(type));
  std::vector<Flag> flags;
  for (size_t at = help.find("\n  --"), next; at != help.npos; at = next) {
    next = help.find("\n  --", at + 1);
    const std::string entry = help.substr(at + 3, next - at - 3);
    const std::string name = entry.substr(0, entry.find(' '));
    for (const char* kind : {"INTEGER", "NUMBER"})
      if (entry.substr(name.size()).starts_with(std::string(" ") + kind))
        flags.push_back({name, entry, kind[0] == 'I'});
  }
  return flags;
}

int times(const std::string& text, const std::string& words) {
  int count = 0;
  for (size_t at = text.find(words); at != text.npos; at = text.find(words, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("Every flag for a number refuses what is none in the same words", "[apps]") {
  for (const Program& program : programs()) {
    const std::vector<Flag> flags = number_flags(program);
    CAPTURE(program.name);
    CHECK(!flags.empty());
    for (const Flag& flag : flags) {
      CAPTURE(flag.entry);
      // Its range stands there once.
      CHECK(times(flag.entry, "at least ") + times(flag.entry, "above ") == 1);
      const std::vector<std::string> integers = {"1.5", "0x10", "18446744073709551616",
                                                 "-1",  "12 ",  ""};
      const std::vector<std::string> numbers = {"nan", "inf", "1e309", "0x10", "-1", "1e-3x", ""};
      for (const std::string& value : flag.integer ? integers : numbers) {
        CAPTURE(value);
        const ProcessResult result = run(program, {flag.name, value});
        check_failure(result, 2,
                      flag.name + ": expected " + (flag.integer ? "an integer " : "a number "));
        CHECK_THAT(result.errors, ContainsSubstring("got \"" + value + "\" (see --help)"));
      }
    }
  }
  check_failure(run(hebb_train, {"--lr="}), 2,
                "--lr: expected a number at least 0 and at most 1000000, got \"\"");
  check_failure(run(hebb_train, {"--lr", "1e308"}), 2,
                "--lr: expected a number at least 0 and at most 1000000, got \"1e308\"");
  check_failure(run(hebb_train, {"--epochs", "9223372036854775807"}), 2, "at most 1000000000");
  check_failure(run(hebb_fewshot, {"--shots", "1,,5"}), 2, "--shots: expected an integer");
  check_failure(run(hebb_fewshot, {"--shots", "1,5,"}), 2, "--shots: expected an integer");
  check_failure(run(hebb_fewshot, {"--value", "bean-1="}), 2, "expected a number at least 0");
  check_failure(run(hebb_fewshot, {"--value", "bean-1=nan"}), 2, "expected a number at least 0");
  check_failure(run(hebb_assemblies, {"--model", "lenet5@0x10"}), 2,
                "expected an integer at least 1");
}

TEST_CASE("A folder of data that is not there is an error, needed or not", "[apps]") {
  for (Program program : programs()) {
    // Of hebb-data, make and inspect ask for no folder, and fetch makes it.
    if (program.name == std::string("hebb-data")) program.needed = {"list"};
    for (const char* folder : {"/no/such/folder", "/etc/passwd", ""}) {
      CAPTURE(program.name, folder);
      check_failure(run(program, {"--data", folder}), 2,
                    std::string("--data: expected a folder, got \"") + folder + "\"");
    }
  }
}

}  // namespace hebb::test
