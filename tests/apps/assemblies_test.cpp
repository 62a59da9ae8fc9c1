#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
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

ProcessResult assemblies(std::vector<std::string> flags, const ProcessOptions& options = {}) {
  flags.insert(flags.begin(), {HEBB_BIN "/hebb-assemblies", "--dataset", "digits"});
  return run_process(flags, options);
}

// Two networks, trained for as long as makes a difference.
std::vector<std::string> small_run(const std::string& output) {
  return {"--models",
          "mlp:784-24-10,mlp:784-24-10+bean:order=2,alpha=300,"
          "normalisation=published-code",
          "--train-limit",
          "1000",
          "--test-limit",
          "300",
          "--epochs",
          "10",
          "--output",
          output};
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("hebb-assemblies: a report with all figures, and weights that are used again", "[apps]") {
  const TemporaryFolder folder;
  const std::string output = folder / "report";
  std::vector<std::string> flags = small_run(output);
  flags.insert(flags.end(), {"--seeds", "1,2"});
  const ProcessResult first = assemblies(flags);
  CAPTURE(first.errors, first.output);
  REQUIRE(first.code == 0);

  const auto summary = nlohmann::json::parse(read_text(output + "/summary.json"));
  REQUIRE(summary["models"].size() == 2);
  for (const auto& model : summary["models"]) {
    REQUIRE(model["runs"].size() == 2);
    const auto& run = model["runs"][0];
    CHECK(run["assembly"].size() == 24);
    CHECK(run["ablation"].size() == 10);
    CHECK(run["silhouette_weights"] <= 1);
    CHECK(run["accuracy_percent"] > 20);
    // The mean over the seeds is that of the runs.
    CHECK(model["means"]["accuracy_percent"].get<double>() ==
          Approx((run["accuracy_percent"].get<double>() +
                  model["runs"][1]["accuracy_percent"].get<double>()) /
                 2));
  }

  for (const char* stem :
       {"figure-1d", "figure-2-mlp-784-24-10", "figure-3-mlp-784-24-10", "figure-4-mlp-784-24-10",
        "figure-5-mlp-784-24-10", "figure-6a-mlp-784-24-10-bean2-alpha300",
        "figure-6b-mlp-784-24-10-bean2-alpha300", "figure-6c-mlp-784-24-10-bean2-alpha300",
        "pruning-mlp-784-24-10"}) {
    CAPTURE(stem);
    const std::string numbers = read_text(output + "/" + stem + ".csv");
    CHECK(std::count(numbers.begin(), numbers.end(), '\n') > 5);
    CHECK_THAT(read_text(output + "/" + stem + ".gp"), ContainsSubstring("plot"));
    if (first.output.find("gnuplot") == std::string::npos) {
      CHECK_THAT(read_text(output + "/" + stem + ".png"), ContainsSubstring("PNG"));
      CHECK_THAT(read_text(output + "/" + stem + ".svg"), ContainsSubstring("</svg>"));
    }
  }
  const std::string report = read_text(output + "/report.html");
  CHECK_THAT(report, ContainsSubstring("Figure 6(c)"));
  CHECK_THAT(report, ContainsSubstring(" ± "));
  for (const char* reference : {"http:", "https:", "<link", "<script", "src=\"figure"})
    CHECK(report.find(reference) == std::string::npos);

  const ProcessResult again = assemblies(flags);
  REQUIRE(again.code == 0);
  CHECK_THAT(again.output, ContainsSubstring("trained by an earlier run"));
  const auto repeated = nlohmann::json::parse(read_text(output + "/summary.json"));
  CHECK(repeated["models"][1]["means"] == summary["models"][1]["means"]);
}

TEST_CASE("hebb-assemblies: a checkpoint is analysed as it is", "[apps]") {
  const TemporaryFolder folder;
  const std::string first = folder / "first", second = folder / "second";
  std::vector<std::string> flags = small_run(first);
  flags.insert(flags.end(), {"--figures", "5", "--seeds", "3", "--quiet"});
  REQUIRE(assemblies(flags).code == 0);
  flags[9] = second;
  flags.insert(flags.end(), {"--checkpoint", "mlp-784-24-10=" + first +
                                                 "/weights/mlp-784-24-10-seed3.safetensors"});
  const ProcessResult result = assemblies(flags);
  CAPTURE(result.errors);
  REQUIRE(result.code == 0);
  const auto of = [](const std::string& path) {
    return nlohmann::json::parse(read_text(path + "/summary.json"))["models"][0];
  };
  CHECK_THAT(of(second)["runs"][0]["origin"].get<std::string>(), ContainsSubstring("taken from"));
  CHECK(of(second)["means"] == of(first)["means"]);
  CHECK_FALSE(fs::exists(second + "/weights/mlp-784-24-10-seed3.safetensors"));
  CHECK_FALSE(fs::exists(second + "/figure-1d.csv"));
}

TEST_CASE("hebb-assemblies: images are normalised as a checkpoint's training had them", "[apps]") {
  const TemporaryFolder folder;
  const std::string weights = folder / "run/model.safetensors", model = "mlp:784-24-10";
  REQUIRE(run_process({HEBB_BIN "/hebb-train", "--model", model, "--normalize", "--train-limit",
                       "1000", "--epochs", "2", "--lr", "1e-2", "--output", folder / "run"})
              .code == 0);
  const ProcessResult result =
      assemblies({"--models", model, "--figures", "2", "--output", folder / "report",
                  "--checkpoint", "mlp-784-24-10=" + weights});
  CAPTURE(result.errors);
  REQUIRE(result.code == 0);
  const auto trained = nlohmann::json::parse(read_text(folder / "run/summary.json")),
             found = nlohmann::json::parse(read_text(folder / "report/summary.json"));
  CHECK(found["models"][0]["runs"][0]["accuracy_percent"].get<double>() ==
        Approx(100 * trained["test_accuracy"].get<double>()));
}

TEST_CASE("hebb-assemblies: the pooled features of ResNet-18", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      assemblies({"--model", "resnet18+bean:order=1,alpha=10", "--figures", "2", "--train-limit",
                  "20", "--epochs", "1", "--test-limit", "40", "--output", folder / "report"});
  CAPTURE(result.errors);
  REQUIRE(result.code == 0);
  const auto model = nlohmann::json::parse(read_text(folder / "report/summary.json"))["models"][0];
  CHECK(model["label"] == "ResNet-18 + BEAN-1 (α = 10)");
  const auto& run = model["runs"][0];
  CHECK(run["layer"] == "fc");
  CHECK(run["assembly"].size() == 512);
  CHECK(run["silhouette_weights"] <= 1);
  CHECK(run["ablation"].size() == 10);
}

TEST_CASE("hebb-assemblies: without gnuplot one line says what to install", "[apps]") {
  const TemporaryFolder folder;
  const std::string output = folder / "report";
  std::vector<std::string> flags = small_run(output);
  flags.insert(flags.end(), {"--figures", "2"});
  const ProcessResult result =
      assemblies(flags, {.in_child = [] { setenv("PATH", "/nonexistent", 1); }, .meanwhile = {}});
  CAPTURE(result.errors);
  CHECK(result.code == 0);
  CHECK_THAT(result.output, ContainsSubstring("gnuplot-nox"));
  CHECK(fs::exists(output + "/figure-2-mlp-784-24-10.csv"));
  CHECK(fs::exists(output + "/figure-2-mlp-784-24-10.gp"));
  CHECK_FALSE(fs::exists(output + "/figure-2-mlp-784-24-10.svg"));
  CHECK_THAT(read_text(output + "/report.html"), ContainsSubstring("gnuplot is not installed"));
}

TEST_CASE("hebb-assemblies: ^C ends the training, and the networks before it are kept", "[apps]") {
  const TemporaryFolder folder;
  const ProcessResult result =
      assemblies({"--models", "mlp:784-12-10@1,lenet5", "--shot-epochs", "1", "--epochs", "1000",
                  "--train-limit", "5000", "--test-limit", "300", "--output", folder / "report"},
                 {.in_child = {}, .meanwhile = [&](int pid) {
                    for (int i = 0; i < 1200 && !fs::exists(folder / "report/weights"); ++i)
                      std::this_thread::sleep_for(std::chrono::milliseconds(50));
                    std::this_thread::sleep_for(std::chrono::seconds(2));
                    kill(pid, SIGINT);
                  }});
  CAPTURE(result.errors);
  CHECK(result.code == 130);
  CHECK_THAT(result.output, ContainsSubstring("interrupted"));
  CHECK(load_safetensors(folder / "report/weights/mlp-784-12-10-1shot-seed1.safetensors")
            .tensors.size() == 4);
  CHECK_FALSE(fs::exists(folder / "report/weights/lenet5-seed1.safetensors"));
  CHECK_FALSE(fs::exists(folder / "report/report.html"));
}

TEST_CASE("hebb-assemblies: wrong flags name what is accepted", "[apps]") {
  const TemporaryFolder folder;
  const std::string output = folder / "report";
  check_failure(assemblies({}), 2, "--output");
  check_failure(assemblies({"--output", output, "--figures", "7"}), 2, "from 1 to 6");
  check_failure(assemblies({"--output", output, "--models", "vgg"}), 2, "lenet5");
  check_failure(assemblies({"--output", output, "--models", "lenet5+bean:beta=1"}), 2, "alpha");
  check_failure(assemblies({"--output", output, "--models", "lenet5@x"}), 2, "shots");
  check_failure(assemblies({"--output", output, "--checkpoint", "vgg=a"}), 2,
                "lenet5-bean2-alpha300");
  check_failure(assemblies({"--output", output, "--epochs", "0"}), 2, "at least 1");
  check_failure(run_process({HEBB_BIN "/hebb-assemblies", "--output", output, "--dataset", "svhn"}),
                2, "--dataset: [data] expected one of mnist,");
  check_failure(assemblies({"--output", output, "--device", "cuda:63"}), 1,
                "[device] cuda:63 is not there: ");
  check_failure(assemblies({"--output", output, "--models", "lenet5", "--checkpoint",
                            "lenet5=" + (folder / "absent")}),
                1, "absent");
}

}  // namespace hebb::test
