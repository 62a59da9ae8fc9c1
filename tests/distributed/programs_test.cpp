#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "core/serialize.hpp"
#include "tests/apps/process.hpp"
#include "tests/catch.hpp"
#include "tests/distributed/mpirun.hpp"
#include "tests/temporary_folder.hpp"

// hebb-train under mpirun, as a user starts it.
namespace hebb::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

std::string text_in(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> split(const std::string& text) {
  std::istringstream stream(text);
  return {std::istream_iterator<std::string>(stream), {}};
}

const std::string small =
    "--model mlp --train-limit 230 --test-limit 50 --batch-size 50 --threads 1 --dropout 0.2 "
    "--regularizer bean:order=1,alpha=10 --optimizer sgd:momentum=0.9 --lr 0.02 ";

// `programs` are what each of the ranks is started with; one stands for all of them.
ProcessResult train_on(int ranks, const std::vector<std::string>& programs,
                       const std::function<void(int)>& meanwhile = {}) {
  std::vector<std::string> command{HEBB_MPIRUN, "--oversubscribe"};
  for (size_t i = 0; i < programs.size(); ++i) {
    if (i > 0) command.emplace_back(":");
    command.insert(command.end(),
                   {"-n", std::to_string(programs.size() > 1 ? 1 : ranks), HEBB_BIN "/hebb-train"});
    for (const std::string& word : split(small + programs[i])) command.push_back(word);
  }
  return run_process(command, {.in_child = allow_mpirun, .meanwhile = meanwhile});
}

ProcessResult train_alone(const std::string& flags) {
  std::vector<std::string> command{HEBB_BIN "/hebb-train"};
  for (const std::string& word : split(small + flags)) command.push_back(word);
  return run_process(command);
}

void wait_for(const std::string& path) {
  for (int i = 0; i < 3000 && !fs::exists(path); ++i) std::this_thread::sleep_for(20ms);
}

// Lines that the program itself says.
int64_t lines_of_ours(const std::string& errors) {
  std::istringstream stream(errors);
  int64_t count = 0;
  for (std::string line; std::getline(stream, line);) count += line.starts_with("hebb-train: ");
  return count;
}

void check_ended_at_once(const ProcessResult& result, int code, const std::string& text) {
  CAPTURE(result.errors, result.output);
  CHECK(result.code == code);
  CHECK(lines_of_ours(result.errors) == 1);
  CHECK_THAT(result.errors, ContainsSubstring(text));
}

double weight_difference(const std::string& a, const std::string& b) {
  const auto left = load_safetensors(a + "/model.safetensors").tensors;
  const auto right = load_safetensors(b + "/model.safetensors").tensors;
  double largest = 0;
  for (const auto& [name, tensor] : left) {
    const auto x = tensor.host<float>(), y = right.at(name).host<float>();
    for (size_t i = 0; i < x.size(); ++i)
      largest = std::max(largest, double(std::abs(x[i] - y[i])));
  }
  return largest;
}

bool have_mpi() {
  if (!std::string(HEBB_MPIRUN).empty()) return true;
  skip("built without MPI");
  return false;
}

}  // namespace

TEST_CASE("hebb-train on ranks is the run of one process", "[apps][needs-data]") {
  if (!have_mpi()) return;
  const TemporaryFolder folder;
  const std::string one = folder / "one", two = folder / "two";
  REQUIRE(train_alone("--epochs 2 --accumulate 2 --output " + one).code == 0);
  const ProcessResult result = train_on(2, {"--epochs 2 --accumulate 2 --output " + two});
  INFO(result.errors);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.output, ContainsSubstring("2 ranks of 1 threads"));
  CHECK(weight_difference(one, two) < 1e-5);
  CHECK(text_in(one + "/config.json") == text_in(two + "/config.json"));
}

TEST_CASE("hebb-train: what fails on ranks ends the run with one line", "[apps][needs-data]") {
  if (!have_mpi()) return;
  const TemporaryFolder folder;
  const auto start = std::chrono::steady_clock::now();
  check_ended_at_once(train_on(2, {"--epochs many"}), 2, "--epochs");
  check_ended_at_once(train_on(2, {"--epochs 1", "--epochs 1 --crop 1 --seed 3"}), 2,
                      "rank 1 has other settings than rank 0: crop 1 (rank 0: 0), seed 3 (rank 0: "
                      "0), data_checksum ");
  check_ended_at_once(
      train_on(2, {"--epochs 1", "--epochs 1 --dataset mnist --data " + folder.path()}), 1,
      "train-images-idx3-ubyte");
  const std::string diverges = folder / "diverges";
  check_ended_at_once(
      train_on(2, {"--epochs 2 --schedule step:every=1,gamma=1e30 --output " + diverges}), 3,
      "in epoch 2");
  CHECK(nlohmann::json::parse(text_in(diverges + "/summary.json"))["stopped"] == "diverged");
  CHECK(std::chrono::steady_clock::now() - start < 60s);
}

TEST_CASE("hebb-train: a rank that is killed ends the run, which goes on from its checkpoint",
          "[apps][needs-data]") {
  if (!have_mpi()) return;
  const TemporaryFolder folder;
  const std::string run = folder / "run", whole = folder / "whole";
  const std::string flags = "--epochs 6 --checkpoint-every steps=1 ";
  std::chrono::steady_clock::time_point killed;
  const ProcessResult result = train_on(2, {flags + "--output " + run}, [&](int mpirun) {
    wait_for(run + "/metrics.jsonl");
    killed = std::chrono::steady_clock::now();
    const int victim = process_of(mpirun, 1);
    CHECK(victim > 0);
    if (victim > 0) kill(victim, SIGKILL);
  });
  CHECK(std::chrono::steady_clock::now() - killed < 10s);
  CHECK(result.code != 0);
  CHECK(!fs::exists(run + "/summary.json"));
  CHECK(load_safetensors(run + "/checkpoint.safetensors").tensors.contains("trainer.loader"));
  const ProcessResult resumed = train_on(3, {flags + "--resume --output " + run});
  INFO(resumed.errors);
  REQUIRE(resumed.code == 0);
  REQUIRE(train_alone(flags + "--output " + whole).code == 0);
  CHECK(weight_difference(run, whole) < 1e-3);
}

TEST_CASE("hebb-train is not started where ranks would wait for one that is dead",
          "[apps][needs-data]") {
  if (!have_mpi()) return;
  const ProcessResult result = run_process(
      {HEBB_MPIRUN, "--oversubscribe", "--enable-recovery", "-n", "2", HEBB_BIN "/hebb-train"},
      {.in_child = allow_mpirun});
  check_ended_at_once(result, 2, "--enable-recovery");
}

TEST_CASE("hebb-train: ^C on rank 0 ends all ranks with everything written", "[apps][needs-data]") {
  if (!have_mpi()) return;
  const TemporaryFolder folder;
  const std::string run = folder / "run";
  const ProcessResult result = train_on(2, {"--epochs 100000 --output " + run}, [&](int mpirun) {
    wait_for(run + "/metrics.jsonl");
    const int root = process_of(mpirun, 0);
    CHECK(root > 0);
    kill(root > 0 ? root : mpirun, SIGINT);
  });
  CAPTURE(result.errors);
  CHECK(result.code == 130);
  CHECK_THAT(result.output, ContainsSubstring("interrupted"));
  CHECK(nlohmann::json::parse(text_in(run + "/summary.json"))["stopped"] == "interrupted");
  CHECK(load_safetensors(run + "/checkpoint.safetensors").tensors.contains("trainer.loader"));
}

}  // namespace hebb::test
