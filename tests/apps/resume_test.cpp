#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <utility>

#include "core/serialize.hpp"
#include "tests/apps/runs.hpp"
#include "tests/core/cpu/bfloat16.hpp"
#include "tests/data/support.hpp"

namespace hebb::test {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

const std::vector<std::string> everything_random = {"--model",
                                                    "lenet5",
                                                    "--dropout",
                                                    "0.3",
                                                    "--crop",
                                                    "2",
                                                    "--flip",
                                                    "--normalize",
                                                    "--seed",
                                                    "4",
                                                    "--batch-size",
                                                    "25",
                                                    "--epochs",
                                                    "4",
                                                    "--validation",
                                                    "20",
                                                    "--early-stopping",
                                                    "train-loss",
                                                    "--optimizer",
                                                    "nadam",
                                                    "--schedule",
                                                    "cosine:warmup=1",
                                                    "--regularizer",
                                                    "bean:order=1,alpha=1",
                                                    "--label-smoothing",
                                                    "0.1",
                                                    "--clip-norm",
                                                    "2"};

void check_stops(const std::vector<std::string>& flags) {
  const Runs runs(flags);
  runs.finish("straight", {"--threads", "1"});
  runs.finish("begun", {"--resume", "--threads", "2"});
  runs.check_equal("straight", "begun");

  // Stopped by ^C after each of some steps, by one or two threads in turn.
  int stops = 0;
  for (; stops < 100; ++stops) {
    const std::string checkpoint = runs / "stopped/checkpoint.safetensors";
    const ino_t before = identity(checkpoint);
    const ProcessResult result = runs.start(
        "stopped",
        {"--resume", "--checkpoint-every", "steps=1", "--threads", stops % 2 ? "1" : "2"},
        {.in_child = {}, .meanwhile = [&](int pid) {
           await_change(checkpoint, before);
           kill(pid, SIGINT);
         }});
    CAPTURE(result.errors);
    if (result.code == 0) break;
    REQUIRE(result.code == 130);
  }
  CHECK(stops >= 1);
  runs.check_equal("straight", "stopped");

  // And a run that is over stays as it is.
  runs.finish("stopped", {"--resume"});
  runs.check_equal("straight", "stopped");
}

}  // namespace

TEST_CASE("hebb-train: a run that is stopped and goes on ends in the same files", "[apps]") {
  check_stops(everything_random);
}

TEST_CASE("hebb-train: so does one with activations of bfloat16", "[precision][needs-data]") {
  if (!has_bfloat16_products()) return;
  std::vector<std::string> flags = everything_random;
  flags.insert(flags.end(), {"--precision", "bf16"});
  check_stops(flags);
}

TEST_CASE("hebb-train: killed at a hundred moments, it goes on to the same files", "[apps]") {
  const Runs runs({"--model", "mlp:784-64-10", "--batch-size", "10", "--epochs", "150", "--dropout",
                   "0.2", "--crop", "1"});
  runs.finish("straight", {"--checkpoint-every", "never"});
  const std::string checkpoint = runs / "killed/checkpoint.safetensors";
  std::mt19937 random(1);
  int killed = 0, partial = 0;
  for (int i = 0; i < 100; ++i) {
    const ino_t before = identity(checkpoint);
    const ProcessResult result = runs.start("killed", {"--resume", "--checkpoint-every", "steps=1"},
                                            {.in_child = {}, .meanwhile = [&](int pid) {
                                               // Most of the time a checkpoint is being written;
                                               // sometimes nothing is yet.
                                               if (i % 10 != 0) await_change(checkpoint, before);
                                               std::this_thread::sleep_for(random() % 4000 * 1us);
                                               kill(pid, SIGKILL);
                                             }});
    CAPTURE(i, result.errors);
    REQUIRE((result.code == -SIGKILL || result.code == 0));
    killed += result.code == -SIGKILL;
    if (fs::exists(runs / "killed"))
      for (const fs::directory_entry& entry : fs::directory_iterator(runs / "killed"))
        partial += entry.path().extension() == ".partial";
    if (fs::exists(checkpoint)) REQUIRE_NOTHROW(load_safetensors(checkpoint));
  }
  CHECK(killed >= 90);
  CHECK(partial > 0);  // the moments were the right ones
  runs.finish("killed", {"--resume", "--checkpoint-every", "epochs=10"});
  runs.check_equal("straight", "killed");
}

TEST_CASE("hebb-train: --resume refuses what is not the folder's run", "[apps]") {
  const Runs runs({"--model", "mlp:784-16-10", "--epochs", "2", "--quiet"});
  runs.finish("run");
  const Bytes metrics = read_file(runs / "run/metrics.csv");
  check_failure(runs.start("run", {"--resume", "--lr", "0.01", "--flip"}), 2,
                "holds a run with other settings: flip false (here true), lr 0.0005 (here 0.01)");
  check_failure(runs.start("run"), 1, "holds a run already");
  check_failure(runs.start("run", {"--resume", "--overwrite"}), 2, "excludes");
  check_failure(run_process({HEBB_BIN "/hebb-train", "--resume"}), 2, "--output");
  for (const char* every : {"", "always", "steps=0", "steps=1.5", "hours=1", "seconds=nan"})
    check_failure(runs.start("every", {"--checkpoint-every", every}), 2, "--checkpoint-every: ");

  runs.change_data();
  check_failure(runs.start("run", {"--resume"}), 2,
                "holds a run with other settings: data_checksum ");
  runs.restore_data();

  Bytes bytes = read_file(runs / "run/checkpoint.safetensors");
  bytes.pop_back();
  write_file(runs / "run/checkpoint.safetensors", bytes);
  check_failure(runs.start("run", {"--resume"}), 1, "checkpoint.safetensors");
  CHECK(read_file(runs / "run/metrics.csv") == metrics);

  // Without a checkpoint it begins anew.
  fs::remove(runs / "run/checkpoint.safetensors");
  runs.finish("run", {"--resume", "--checkpoint-every", "never"});
  CHECK(read_file(runs / "run/metrics.csv") == metrics);
  CHECK_FALSE(fs::exists(runs / "run/checkpoint.safetensors"));
}

TEST_CASE("hebb-train: a folder belongs to one run at a time", "[apps]") {
  const Runs runs({"--model", "mlp:784-16-10", "--quiet"});
  ProcessResult second, told;
  const auto meanwhile = [&](int pid) {
    await_change(runs / "run/checkpoint.safetensors", 0);
    second = runs.start("run", {"--epochs", "1000000", "--resume"});
    told = runs.start("run", {"--epochs", "1", "--overwrite", "--ignore-lock"});
    kill(pid, SIGKILL);
  };
  const ProcessResult first =
      runs.start("run", {"--epochs", "1000000"}, {.in_child = {}, .meanwhile = meanwhile});
  CHECK(first.code == -SIGKILL);
  check_failure(second, 1, "is in use by another run; name another folder, or add --ignore-lock");
  CAPTURE(told.errors);
  CHECK(told.code == 0);
}

TEST_CASE("hebb-train: the second ^C does not wait for the step", "[apps]") {
  const Runs runs({"--model", "resnet18", "--batch-size", "100", "--epochs", "10"});
  const auto interrupt = [&](int pid) {
    await_change(runs / "run/checkpoint.safetensors", 0);
    // Until the program is on, signals of one kind that wait for it are one.
    for (int i = 0; i < 10; ++i) {
      kill(pid, SIGINT);
      std::this_thread::sleep_for(30ms);
    }
  };
  const ProcessResult result = runs.start("run", {"--checkpoint-every", "steps=1"},
                                          {.in_child = {}, .meanwhile = interrupt});
  CHECK(result.code == -SIGINT);
  CHECK(result.errors.empty());
}

TEST_CASE("hebb-train: a disk that is full costs no checkpoint", "[apps]") {
  const Runs runs({"--model", "mlp:784-64-10", "--epochs", "6"});
  runs.finish("straight");
  const std::string checkpoint = runs / "run/checkpoint.safetensors";
  const ProcessResult stopped = runs.start("run", {"--checkpoint-every", "steps=1"},
                                           {.in_child = {}, .meanwhile = [&](int pid) {
                                              await_change(checkpoint, 0);
                                              kill(pid, SIGKILL);
                                            }});
  REQUIRE(stopped.code == -SIGKILL);
  const Bytes before = read_file(checkpoint);
  // The weights alone take 200 KB, a checkpoint three times as much.
  const auto small_disk = [] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{400'000, 400'000};
    setrlimit(RLIMIT_FSIZE, &limit);
  };
  check_failure(runs.start("run", {"--resume"}, {.in_child = small_disk, .meanwhile = {}}), 1,
                "checkpoint.safetensors");
  CHECK(read_file(checkpoint) == before);
  runs.finish("run", {"--resume"});
  runs.check_equal("straight", "run");
}

TEST_CASE("hebb-train: --resume goes on with runs of before a flag was there", "[apps]") {
  const Runs runs({"--model", "mlp:784-16-10", "--epochs", "2", "--quiet"});
  runs.finish("run");
  const std::string path = runs / "run/config.json";
  nlohmann::json config = nlohmann::json::parse(std::ifstream(path));
  CHECK(config.erase("accumulate") == 1);
  CHECK(config.erase("sync_batch_norm") == 1);
  CHECK(std::exchange(config["precision"], "float32") == "fp32");
  std::ofstream(path) << config.dump();
  runs.finish("run", {"--resume"});
  check_failure(runs.start("run", {"--resume", "--accumulate", "2"}), 2,
                "holds a run with other settings: accumulate 1 (here 2)");
}

TEST_CASE("hebb-train: a folder that cannot be written is said in one line", "[apps]") {
  const Runs runs({"--model", "mlp:784-16-10", "--epochs", "2"});
  const auto as_nobody = [] {
    if (getuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(126);
  };
  const ProcessOptions options{.in_child = as_nobody, .meanwhile = {}};
  runs.finish("run");
  fs::create_directory(runs / "empty");
  for (const char* name : {"run", "empty"})
    fs::permissions(runs / name, fs::perms(0555), fs::perm_options::replace);
  check_failure(runs.start("empty", {}, options), 1, "empty/lock: cannot open: Permission denied");
  check_failure(runs.start("run", {"--resume"}, options), 1, "run/lock: cannot open");
  check_failure(runs.start("empty/run", {}, options), 1, "cannot create the folder");
  fs::permissions(runs / "empty", fs::perms(0755), fs::perm_options::replace);
  fs::permissions(runs / "run", fs::perms(0755), fs::perm_options::replace);
}

}  // namespace hebb::test
