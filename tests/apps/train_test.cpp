#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
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
  CHECK(config["precision"] == "fp32");
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
  check_failure(train({"--recipe", "slow"}), 2, "none, paper, fast");
  check_failure(train({"--on-divergence", "panic", "--train-limit", "10"}), 2, "stop, continue");
  check_failure(train({"--device", "tpu"}), 2, "cpu, cuda or cuda:N");
  check_failure(train({"--device", "cuda:63"}), 1, "[device] cuda:63 is not there: ");
  check_failure(train({"--dataset", "svhn"}), 2, "--dataset: [data] expected one of mnist,");
  const ProcessResult help = train({"--help"});
  CHECK(help.code == 0);
  for (const char* text : {"Examples:", "fashion-mnist", "mlp:784-500-10", "nadam:", "one-cycle:",
                           "warmup=EPOCHS", "truncated-normal", "bean:order=1|2", "train-loss",
                           "paper: --optimizer adam", "decay-on=all|weights", "--no-flip"})
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

TEST_CASE("hebb-train: ^C keeps weights and metrics, and looks at nothing more", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      train({"--model", "mlp", "--train-limit", "1000", "--test-limit", "100", "--epochs", "100000",
             "--output", folder / "run"},
            {.in_child = {}, .meanwhile = [&](int pid) {
               for (int i = 0; i < 1200 && lines(folder / "run/metrics.jsonl") < 2; ++i)
                 std::this_thread::sleep_for(std::chrono::milliseconds(50));
               // Killed here, the run would have these already.
               CHECK(load_safetensors(folder / "run/model.safetensors").tensors.size() == 4);
               kill(pid, SIGINT);
             }});
  CAPTURE(result.errors, result.output);
  CHECK(result.code == 130);
  CHECK_THAT(result.output, ContainsSubstring("model.safetensors has the weights of epoch"));
  const nlohmann::json summary = read_json(folder / "run/summary.json");
  CHECK(summary["stopped"] == "interrupted");
  CHECK(summary["epochs"] >= 2);
  CHECK(summary["weights_of_epoch"] == summary["epochs"]);
  CHECK_FALSE(summary.contains("train_accuracy"));
  CHECK(lines(folder / "run/metrics.jsonl") == summary["epochs"]);
  CHECK(lines(folder / "run/metrics.csv") == summary["epochs"].get<int64_t>() + 1);
  CHECK(load_safetensors(folder / "run/model.safetensors").tensors.size() == 4);
}

TEST_CASE("hebb-train: a run that diverges ends with one line, and its last good weights",
          "[apps]") {
  const TemporaryFolder folder;
  // The first epoch has a good rate; the second one's first step makes the weights huge.
  const std::vector<std::string> flags = {
      "--model", "mlp",        "--train-limit",          "200", "--test-limit", "50", "--epochs",
      "3",       "--schedule", "step:every=1,gamma=1e30"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), flags.begin(), flags.end());
    return train(more);
  };
  check_failure(with({"--output", folder / "run"}), 3, "in epoch 2, step 2 of 2: try a smaller");
  const auto weights = load_safetensors(folder / "run/model.safetensors").tensors;
  for (const auto& [name, tensor] : weights)
    for (const float value : tensor.host<float>()) REQUIRE(std::abs(value) < 10);
  const nlohmann::json summary = read_json(folder / "run/summary.json");
  CHECK(summary["stopped"] == "diverged");
  CHECK(summary["weights_of_epoch"] == 1);
  CHECK(lines(folder / "run/metrics.csv") == 2);

  const ProcessResult result =
      with({"--output", folder / "watched", "--on-divergence", "continue"});
  CAPTURE(result.errors);
  CHECK(result.code == 0);
  CHECK_THAT(result.output, ContainsSubstring("epoch 3/3"));
  CHECK_THAT(result.output, ContainsSubstring("has the weights of epoch 1"));
  CHECK(lines(folder / "watched/metrics.csv") == 4);
}

TEST_CASE("hebb-train: a recipe is flags, and those that are given win", "[apps]") {
  const TemporaryFolder folder;
  const auto config = [&](const std::string& name, std::vector<std::string> flags) {
    flags.insert(flags.end(), {"--model", "mlp", "--train-limit", "20", "--test-limit", "20",
                               "--quiet", "--output", folder / name});
    const ProcessResult result = train(flags);
    CAPTURE(result.errors);
    REQUIRE(result.code == 0);
    return read_json(folder / name + "/config.json");
  };
  const auto fast = config("fast", {"--recipe", "fast", "--epochs", "1", "--lr", "0.02"});
  CHECK(fast["recipe"] == "fast");
  CHECK(fast["optimizer"] == "muon:weight-decay=0.01,sgd-lr-scale=2");
  CHECK(fast["schedule"] == "one-cycle");
  CHECK(fast["label_smoothing"] == 0.1);
  CHECK(fast["batch_size"] == 128);
  CHECK(fast["crop"] == 2);
  CHECK(fast["flip"] == true);
  CHECK(fast["normalize"] == true);
  CHECK(fast["epochs"] == 1);
  CHECK(fast["lr"] == 0.02);
  const auto paper = config("paper", {"--epochs", "1", "--no-flip", "--recipe", "paper"});
  CHECK(paper["optimizer"] == "adam");
  CHECK(paper["lr"] == 5e-4);
  CHECK(paper["batch_size"] == 100);
  CHECK(paper["flip"] == false);
  CHECK(paper["normalize"] == false);
  CHECK(paper["crop"] == 0);
  const auto none = config("none", {"--epochs", "1"});
  CHECK(none["recipe"] == "none");
  CHECK(none["flip"] == false);

  // How pixels were normalised stands with the weights.
  const auto metadata = load_safetensors(folder / "fast/model.safetensors").metadata;
  CHECK_THAT(metadata.at("normalize"), ContainsSubstring("deviation"));
  CHECK_FALSE(load_safetensors(folder / "paper/model.safetensors").metadata.contains("normalize"));
}

TEST_CASE("hebb-train: ResNet-18 with BEAN and the recipe for it", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      train({"--model", "resnet18", "--recipe", "fast", "--epochs", "1", "--batch-size", "8",
             "--train-limit", "16", "--test-limit", "8", "--regularizer", "bean:order=1,alpha=10",
             "--output", folder / "run"});
  CAPTURE(result.errors);
  REQUIRE(result.code == 0);
  CHECK(read_json(folder / "run/summary.json")["penalties"].size() == 1);
  const auto weights = load_safetensors(folder / "run/model.safetensors").tensors;
  CHECK(weights.at("fc.weight").shape() == Shape{10, 512});
}

TEST_CASE("hebb-train: HEBB_PROFILE names a file for what the time went into", "[apps]") {
  const TemporaryFolder folder;
  const auto profiled = [&](const std::string& path, const char* lr) {
    return run_process(
        {HEBB_BIN "/hebb-train", "--model", "mlp", "--epochs", "1", "--train-limit", "200",
         "--test-limit", "100", "--quiet", "--batch-size", "10", "--optimizer",
         "sgd:weight-decay=10", "--lr", lr},
        {.in_child = [=] { setenv("HEBB_PROFILE", path.c_str(), 1); }, .meanwhile = {}});
  };
  for (const auto& [lr, code] : {std::pair{"0.01", 0}, {"1e6", 3}}) {
    CAPTURE(lr);
    const std::string path = folder / "trace-" + std::to_string(code);
    const ProcessResult result = profiled(path, lr);
    CHECK(result.code == code);
    const nlohmann::json trace = read_json(path);
    std::set<std::string> names;
    for (const auto& event : trace["traceEvents"]) names.insert(event["name"]);
    for (const char* name : {"model", "fc1", "linear", "backward", "sgd"}) {
      CAPTURE(name);
      CHECK(names.contains(name));
    }
  }
  check_failure(profiled(folder / "absent/trace.json", "0.01"), 1, "absent/trace.json");
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
