#include <chrono>
#include <csignal>
#include <regex>
#include <sstream>
#include <thread>

#include "tests/apps/fewshot/support.hpp"
#include "tests/apps/process.hpp"
#include "tests/distributed/mpirun.hpp"

// The program itself, as a user starts it.
namespace hebb::test {
namespace {

// The words of `flags`; a word that is only quotes is an empty one.
std::vector<std::string> words(const std::string& flags) {
  std::istringstream stream(flags);
  std::vector<std::string> result;
  for (std::string word; stream >> word;) result.push_back(word == "''" ? "" : word);
  return result;
}

ProcessResult fewshot(const std::string& flags, std::vector<std::string> command = {},
                      const std::function<void(int)>& meanwhile = {}) {
  command.emplace_back(HEBB_BIN "/hebb-fewshot");
  for (const std::string& word : words(flags)) command.push_back(word);
  return run_process(command, {.in_child = allow_mpirun, .meanwhile = meanwhile});
}

const std::string small =
    "--dataset digits --shots 1 --draws 2 --methods vanilla,bean-2 --epochs 2 --quiet ";

TEST_CASE("hebb-fewshot makes the same tables again", "[apps]") {
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const ProcessResult first = fewshot(small + "--output " + a);
  REQUIRE(first.code == 0);
  CHECK(contains(first.output, "bean-2"));
  CHECK(contains(first.errors, "4 runs in "));
  const ProcessResult second = fewshot(small + "--threads 1 --output " + b);
  REQUIRE(second.code == 0);
  for (const char* name : {"/table.md", "/runs.csv", "/images.csv"}) {
    CHECK(!text_of(a + name).empty());
    CHECK(text_of(a + name) == text_of(b + name));
  }
  std::istringstream images(text_of(a + "/images.csv"));
  std::string line;
  CHECK((std::getline(images, line) && line == "dataset,shots,draw,seed,images"));
  for (const char* draw : {"digits,1,0,0,", "digits,1,1,0,"}) {
    CHECK((std::getline(images, line) && line.starts_with(draw)));
    CHECK(std::ranges::count(line, ' ') == 9);  // ten images, one a class
  }
  CHECK(!std::getline(images, line));
  const ProcessResult again = fewshot(small + "--output " + a);
  CHECK(contains(again.errors, "0 runs in "));
  CHECK(again.output == first.output);
}

// Lines without their seconds, in the order of their text.
std::vector<std::string> runs_of(const std::string& folder) {
  std::istringstream journal(text_of(folder + "/runs.jsonl"));
  std::vector<std::string> runs;
  for (std::string line; std::getline(journal, line);)
    runs.push_back(std::regex_replace(line, std::regex("\"seconds\":[^,}]*"), ""));
  std::ranges::sort(runs);
  return runs;
}

TEST_CASE("hebb-fewshot makes the same table of replicas", "[apps]") {
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const std::string study =
      "--dataset digits --shots 1,2 --draws 5 --epochs 2 --quiet "
      "--methods vanilla,dropout,l1,bean-1,gaussian-process --dropout-at-test on "
      "--gp-starts 1 --gp-evaluations 3 --output ";
  REQUIRE(fewshot(study + a).code == 0);
  // Some draws are there already, and the last of a cell are fewer.
  const std::string some = study.substr(0, study.find("--draws 5")) + "--draws 2" +
                           study.substr(study.find(" --epochs"));
  REQUIRE(fewshot(some + b).code == 0);
  const ProcessResult rest = fewshot(study + b + " --replicas 2");
  INFO(rest.errors);
  REQUIRE(rest.code == 0);
  CHECK(contains(rest.errors, "30 runs in "));
  CHECK(runs_of(a) == runs_of(b));
  for (const char* name : {"/table.md", "/runs.csv", "/images.csv"})
    CHECK(text_of(a + name) == text_of(b + name));
}

TEST_CASE("hebb-fewshot tunes by replicas as it does by single runs", "[apps]") {
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const std::string study =
      "--tune --dataset digits --shots 1 --tuning-draws 2 --epochs 2 --quiet "
      "--methods vanilla,dropout,weight-decay,l1,bean-1,bean-2,gaussian-process --output ";
  REQUIRE(fewshot(study + a).code == 0);
  const ProcessResult together = fewshot(study + b + " --replicas 7");
  INFO(together.errors);
  REQUIRE(together.code == 0);
  CHECK(runs_of(a) == runs_of(b));
  const auto chosen = [](const std::string& text) { return text.substr(text.find("\"draws\"")); };
  CHECK(chosen(text_of(a + "/tuned.json")) == chosen(text_of(b + "/tuned.json")));
}

TEST_CASE("Wrong flags of hebb-fewshot end in one line and exit code 2", "[apps]") {
  for (const char* flags : {"--frobnicate",
                            "--shots 0",
                            "--shots one",
                            "--draws 0",
                            "--methods vanilla,foo",
                            "--dataset letters",
                            "--protocol unfair",
                            "--checkpoint best",
                            "--init cauchy",
                            "--batch-size 0",
                            "--value bean-1",
                            "--value dropout=1",
                            "--value gaussian-process=1",
                            "--table1 --dataset mnist",
                            "--tune --table1",
                            "--threads 0",
                            "--replicas 0",
                            "--device tpu",
                            "--gp-starts 0",
                            "--checkpoint best-validation --validation-set none",
                            "--fidelity-high 0",
                            "--against imitation --methods vanilla",
                            "--tune --against dropout"}) {
    const ProcessResult outcome = fewshot(std::string("--output '' ") + flags);
    INFO(flags << ": " << outcome.errors);
    CHECK(outcome.code == 2);
    CHECK(outcome.output.empty());
    // About the flag, and not that the default's files are not here.
    CHECK(contains(outcome.errors, "--dataset") == contains(flags, "--dataset"));
    CHECK(std::ranges::count(outcome.errors, '\n') == 1);
  }
}

TEST_CASE("Replicas are trained by one rank alone", "[apps][needs-data]") {
  if (std::string(HEBB_MPIRUN).empty()) return skip("hebb-fewshot is built without MPI");
  const TemporaryFolder folder;
  const ProcessResult two = fewshot(small + "--replicas 2 --output " + (folder / "a"),
                                    {HEBB_MPIRUN, "--oversubscribe", "-n", "2"});
  CHECK(two.code != 0);
  CHECK(contains(two.errors, "--replicas: "));
}

TEST_CASE("Two ranks make the table of one", "[apps][needs-data]") {
  if (std::string(HEBB_MPIRUN).empty()) return skip("hebb-fewshot is built without MPI");
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const ProcessResult one = fewshot(small + "--output " + a);
  const ProcessResult two =
      fewshot(small + "--output " + b, {HEBB_MPIRUN, "--oversubscribe", "-n", "2"});
  INFO(two.errors);
  REQUIRE(two.code == 0);
  CHECK(contains(two.errors, "4 runs in "));
  CHECK(two.output.substr(0, two.output.find("In ")) ==
        one.output.substr(0, one.output.find("In ")));
  for (const char* name : {"/table.md", "/runs.csv"}) CHECK(text_of(a + name) == text_of(b + name));
}

// Runs enough that a rank can be killed among them.
const std::string many =
    "--dataset digits --shots 1 --draws 8 --methods vanilla,bean-1 "
    "--epochs 8 --threads 1 --quiet --output ";

int64_t finished_runs(const std::string& folder) {
  return std::ranges::count(text_of(folder + "/runs.jsonl"), '\n') - 1;
}

// Kills a rank once a run is finished.
std::function<void(int)> kill_rank(int rank, const std::string& folder) {
  return [=](int mpirun) {
    for (int i = 0; i < 3000 && finished_runs(folder) < 1; ++i)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    const int victim = process_of(mpirun, rank);
    CHECK(victim > 0);
    if (victim > 0) kill(victim, SIGKILL);
  };
}

// mpirun ends all ranks with one; what they had finished is in the journal.
TEST_CASE("A rank of hebb-fewshot that is killed gives its runs to the next start",
          "[apps][needs-data]") {
  if (std::string(HEBB_MPIRUN).empty()) return skip("hebb-fewshot is built without MPI");
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const ProcessResult killed =
      fewshot(many + b, {HEBB_MPIRUN, "--oversubscribe", "-n", "2"}, kill_rank(1, b));
  CHECK(killed.code != 0);
  CHECK(finished_runs(b) >= 1);
  CHECK(finished_runs(b) < 16);
  const ProcessResult again = fewshot(many + b, {HEBB_MPIRUN, "--oversubscribe", "-n", "3"});
  INFO(again.errors);
  REQUIRE(again.code == 0);
  CHECK(!contains(again.errors, "16 runs in "));
  REQUIRE(fewshot(many + a).code == 0);
  for (const char* name : {"/table.md", "/runs.csv"}) CHECK(text_of(a + name) == text_of(b + name));
}

TEST_CASE(
    "A rank of hebb-fewshot that is killed gives its runs to the others where mpirun keeps them",
    "[apps][needs-data]") {
  if (std::string(HEBB_MPIRUN).empty()) return skip("hebb-fewshot is built without MPI");
  const TemporaryFolder folder;
  const std::string a = folder / "a", b = folder / "b";
  const ProcessResult killed = fewshot(
      many + b, {HEBB_MPIRUN, "--oversubscribe", "--enable-recovery", "-n", "3"}, kill_rank(2, b));
  INFO(killed.errors);
  CHECK(killed.code == 0);
  CHECK(contains(killed.errors,
                 "hebb-fewshot: rank 2 has died (nothing heard of it for 10 s); its runs go to "
                 "others: "));
  CHECK(contains(killed.errors, "16 runs in "));
  CHECK(finished_runs(b) == 16);
  const ProcessResult one = fewshot(many + a);
  REQUIRE(one.code == 0);
  CHECK(killed.output.substr(0, killed.output.find("In ")) ==
        one.output.substr(0, one.output.find("In ")));
  for (const char* name : {"/table.md", "/runs.csv"}) CHECK(text_of(a + name) == text_of(b + name));
}

TEST_CASE("The ranks of hebb-fewshot end with rank 0", "[apps][needs-data]") {
  if (std::string(HEBB_MPIRUN).empty()) return skip("hebb-fewshot is built without MPI");
  const TemporaryFolder folder;
  const std::string b = folder / "b";
  const ProcessResult killed = fewshot(
      many + b, {HEBB_MPIRUN, "--oversubscribe", "--enable-recovery", "-n", "3"}, kill_rank(0, b));
  INFO(killed.errors);
  CHECK(killed.code == 1);
  const std::string line = "hebb-fewshot: rank 0, which has the results, has died";
  CHECK(contains(killed.errors, line));
  CHECK(killed.errors.find(line) == killed.errors.rfind(line));
  CHECK(fewshot(many + b).code == 0);
}

}  // namespace
}  // namespace hebb::test
