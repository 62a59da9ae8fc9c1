#include "tests/apps/process.hpp"
#include "tests/catch.hpp"

namespace hebb::test {
namespace {

struct Program {
  const char* name;
  std::vector<std::string> needed, integers, numbers;
};

const Program programs[] = {
    {"hebb-train",
     {},
     {"--train-limit", "--test-limit", "--shots", "--validation", "--crop", "--epochs",
      "--batch-size", "--patience", "--seed", "--threads"},
     {"--dropout", "--label-smoothing", "--lr", "--clip-norm", "--min-change"}},
    {"hebb-fewshot",
     {},
     {"--shots", "--draws", "--tuning-draws", "--seed", "--threads", "--batch-size", "--epochs",
      "--validation-images", "--validation-every", "--gp-starts", "--gp-evaluations", "--gp-rows",
      "--pseudo-examples", "--imitation-steps", "--imitation-epochs", "--imitation-batch",
      "--labelled-batch", "--ascent-steps"},
     {"--hard-weight", "--fidelity-high", "--fidelity-mean", "--ascent-lr"}},
    {"hebb-assemblies",
     {"--output", "never-made"},
     {"--epochs", "--shot-epochs", "--batch-size", "--train-limit", "--test-limit", "--clusters",
      "--seeds", "--seed", "--threads"},
     {"--lr"}},
#ifdef HEBB_HAS_BENCH
    {"hebb-bench", {}, {"--threads"}, {"--seconds"}},
    {"hebb-bench", {"conv"}, {"--batch"}, {}},
#endif
};

ProcessResult run(const Program& program, const std::vector<std::string>& flags) {
  std::vector<std::string> command = {std::string(HEBB_BIN "/") + program.name};
  command.insert(command.end(), program.needed.begin(), program.needed.end());
  command.insert(command.end(), flags.begin(), flags.end());
  return run_process(command);
}

}  // namespace

TEST_CASE("Every flag for a number refuses what is none in the same words", "[apps]") {
  const auto refused = [](const Program& program, const std::string& flag, const std::string& kind,
                          const std::string& value) {
    CAPTURE(program.name, flag, value);
    const ProcessResult result = run(program, {flag + "=" + value});
    check_failure(result, 2, flag + ": expected " + kind);
    CHECK_THAT(result.errors, ContainsSubstring("got \"" + value + "\" (see --help)"));
  };
  for (const Program& program : programs) {
    for (const std::string& flag : program.integers)
      for (const char* value : {"1.5", "0x10", "18446744073709551616", "-1", "12 "})
        refused(program, flag, "an integer at least ", value);
    for (const std::string& flag : program.numbers)
      for (const char* value : {"nan", "inf", "1e309", "0x10", "-1", "1e-3x"})
        refused(program, flag, "a number ", value);
    for (const auto& [flags, kind] : {std::pair(program.integers, "an integer at least "),
                                      std::pair(program.numbers, "a number ")})
      for (const std::string& flag : flags) {
        CAPTURE(program.name, flag);
        check_failure(run(program, {flag, ""}), 2, flag + ": expected " + kind);
        const std::string help = run(program, {"--help"}).output;
        const size_t at = help.find(flag + (kind[1] == 'n' ? " INTEGER" : " NUMBER"));
        REQUIRE(at != help.npos);
        // Its range stands there once.
        const std::string entry = help.substr(at, help.find("\n  --", at) - at);
        const auto ranges = [&](const char* words) {
          const size_t first = entry.find(words);
          return first == entry.npos ? 0 : first == entry.rfind(words) ? 1 : 2;
        };
        CHECK(ranges("at least ") + ranges("above ") == 1);
      }
  }
  check_failure(run(programs[0], {"--lr="}), 2,
                "--lr: expected a number at least 0 and at most 1000000, got \"\"");
  check_failure(run(programs[0], {"--lr", "1e308"}), 2,
                "--lr: expected a number at least 0 and at most 1000000, got \"1e308\"");
  check_failure(run(programs[0], {"--epochs", "9223372036854775807"}), 2, "at most 1000000000");
  check_failure(run(programs[1], {"--shots", "1,,5"}), 2, "--shots: expected an integer");
  check_failure(run(programs[1], {"--shots", "1,5,"}), 2, "--shots: expected an integer");
  check_failure(run(programs[1], {"--value", "bean-1="}), 2, "expected a number at least 0");
  check_failure(run(programs[1], {"--value", "bean-1=nan"}), 2, "expected a number at least 0");
  check_failure(run(programs[2], {"--model", "lenet5@0x10"}), 2, "expected an integer at least 1");
}

TEST_CASE("A folder of data that is not there is an error, needed or not", "[apps]") {
  for (const Program& program : programs)
    for (const char* folder : {"/no/such/folder", "/etc/passwd", ""}) {
      CAPTURE(program.name, folder);
      check_failure(run(program, {"--data", folder}), 2,
                    std::string("--data: expected a folder, got \"") + folder + "\"");
    }
}

}  // namespace hebb::test
