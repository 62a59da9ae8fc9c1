#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/serialize.hpp"
#include "tests/apps/process.hpp"
#include "tests/catch.hpp"
#include "tests/temporary_folder.hpp"

namespace hebb::test {
namespace {

namespace fs = std::filesystem;

ProcessResult train(std::vector<std::string> flags, const ProcessOptions& options = {}) {
  flags.insert(flags.begin(), HEBB_BIN "/hebb-train");  // on digits, unless told otherwise
  return run_process(flags, options);
}

nlohmann::json read_json(const std::string& path) {
  std::ifstream file(path);
  return nlohmann::json::parse(file);
}

int64_t lines(const std::string& path) {
  std::ifstream file(path);
  return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
}

}  // namespace

TEST_CASE("hebb-train: a run's folder holds all that it says", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      train({"--train-limit", "300", "--test-limit", "200", "--validation", "100", "--epochs", "2",
             "--regularizer", "bean:order=1,alpha=10", "--regularizer", "l1:lambda=1e-4", "--seed",
             "5", "--output", folder / "run"});
  CAPTURE(result.errors);
  REQUIRE(result.code == 0);
  CHECK_THAT(result.output, ContainsSubstring("epoch 2/2"));
  CHECK_THAT(result.output, ContainsSubstring("test accuracy"));

  const nlohmann::json config = read_json(folder / "run/config.json");
  CHECK(config["seed"] == 5);
  CHECK(config["regularizers"].size() == 2);
  CHECK(config["train_samples"] == 300);
  CHECK(config["precision"] == "float32");
  CHECK(config.contains("version"));
  CHECK(lines(folder / "run/metrics.csv") == 3);
  CHECK(lines(folder / "run/metrics.jsonl") == 2);
  const nlohmann::json summary = read_json(folder / "run/summary.json");
  for (const char* key : {"train_accuracy", "validation_accuracy", "test_accuracy"}) {
    CHECK(summary[key] >= 0);
    CHECK(summary[key] <= 1);
  }
  CHECK(summary["epochs"] == 2);
  CHECK(summary["stopped"] == "all-epochs");
  CHECK(summary["penalties"].size() == 2);
  const auto weights = load_safetensors(folder / "run/model.safetensors").tensors;
  CHECK(weights.at("fc1.weight").shape() == Shape{120, 400});

  check_failure(train({"--train-limit", "10", "--output", folder / "run"}), 1,
                "holds a run already");
  CHECK(read_json(folder / "run/config.json") == config);
}

TEST_CASE("hebb-train: the same seed gives the same weights for any number of threads", "[apps]") {
  const TemporaryFolder folder;
  const auto weights = [&](const std::string& threads) {
    const std::string output = folder / ("threads-" + threads);
    const ProcessResult result = train({"--train-limit", "500", "--test-limit", "100", "--epochs",
                                        "1", "--threads", threads, "--output", output, "--quiet"});
    REQUIRE(result.code == 0);
    std::ifstream file(output + "/model.safetensors", std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  CHECK(weights("1") == weights("2"));
}

TEST_CASE("hebb-train: wrong flags name what is accepted", "[apps]") {
  check_failure(train({"--learning-rate", "1"}), 2, "--learning-rate");
  check_failure(train({"--epochs", "many"}), 2, "--epochs");
  check_failure(train({"--model", "vgg", "--train-limit", "10"}), 2, "lenet5");
  check_failure(train({"--optimizer", "lion", "--train-limit", "10"}), 2, "adam");
  check_failure(train({"--schedule", "cosin", "--train-limit", "10"}), 2, "cosine");
  check_failure(train({"--early-stopping", "never", "--train-limit", "10"}), 2, "validation-loss");
  check_failure(train({"--init", "zero", "--train-limit", "10"}), 2, "xavier");
  check_failure(train({"--regularizer", "bean:beta=1", "--train-limit", "10"}), 2, "alpha");
  check_failure(train({"--regularizer", "l3", "--train-limit", "10"}), 2, "bean");
  check_failure(train({"--shots", "-1"}), 2, "expected at least 0");
  check_failure(train({"--device", "tpu"}), 2, "cpu, cuda or cuda:N");
  check_failure(train({"--dataset", "svhn"}), 1, "digits");
  const ProcessResult help = train({"--help"});
  CHECK(help.code == 0);
  for (const char* text : {"Examples:", "fashion-mnist", "mlp:784-500-10", "nadam:", "one-cycle:",
                           "warmup=EPOCHS", "truncated-normal", "bean:order=1|2", "train-loss"})
    CHECK_THAT(help.output, ContainsSubstring(text));
}

TEST_CASE("hebb-train: absent data is said in one line", "[apps]") {
  const TemporaryFolder folder;
  check_failure(train({"--dataset", "mnist", "--data", folder.path()}), 1,
                "train-images-idx3-ubyte");
}

TEST_CASE("hebb-train: ^C ends after the step with everything written", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      train({"--train-limit", "5000", "--test-limit", "100", "--epochs", "1000", "--output",
             folder / "run"},
            {.in_child = {}, .meanwhile = [&](int pid) {
               // Once the first epoch's row is there, training is under way.
               for (int i = 0; i < 1200 && !fs::exists(folder / "run/metrics.jsonl"); ++i)
                 std::this_thread::sleep_for(std::chrono::milliseconds(50));
               kill(pid, SIGINT);
             }});
  CAPTURE(result.errors);
  CHECK(result.code == 130);
  CHECK_THAT(result.output, ContainsSubstring("interrupted"));
  CHECK(read_json(folder / "run/summary.json")["stopped"] == "interrupted");
  CHECK(load_safetensors(folder / "run/model.safetensors").tensors.size() == 10);
}

TEST_CASE("hebb-train: a disk that is full is said in one line", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      train({"--train-limit", "100", "--test-limit", "50", "--epochs", "1", "--output",
             folder / "run", "--quiet"},
            {.in_child =
                 [] {
                   std::signal(SIGXFSZ, SIG_IGN);
                   const rlimit limit{50'000, 50'000};  // less than the weights take
                   setrlimit(RLIMIT_FSIZE, &limit);
                 },
             .meanwhile = {}});
  check_failure(result, 1, "model.safetensors");
  CHECK_FALSE(fs::exists(folder / "run/model.safetensors"));
  CHECK(fs::exists(folder / "run/metrics.csv"));
}

}  // namespace hebb::test
