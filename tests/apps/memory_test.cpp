#include <chrono>
#include <fstream>
#include <thread>

#include "data/mnist.hpp"
#include "data/synthetic.hpp"
#include "tests/apps/process.hpp"
#include "tests/data/support.hpp"

namespace hebb::test {
namespace {

// The most that a program has held of the machine's memory, in MiB, looked at until it ends.
double peak_of(int pid) {
  double peak = 0;
  for (;;) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    double now = 0;
    for (std::string word; status >> word;)
      if (word == "VmHWM:" && status >> now) break;
    if (now == 0) return peak / 1024;
    peak = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace

TEST_CASE("hebb-train: an epoch of LeNet-5 takes little more memory than MNIST's images",
          "[apps]") {
  if (!can_limit_memory) return;  // sanitizers need their own
  // As large as MNIST, and as quick to make as a few digits.
  const Dataset few = digits({.samples = 1000});
  const auto often = [&](int times) {
    const std::vector<Dataset> parts(size_t(times), few);
    return concatenate(parts);
  };
  const TemporaryFolder folder;
  const auto write = [&](const std::string& name, const Dataset& set) {
    write_mnist(set, folder / name + "-images-idx3-ubyte", folder / name + "-labels-idx1-ubyte");
  };
  write("train", often(60));
  write("t10k", often(10));
  double peak = 0;
  const ProcessResult result =
      run_process({HEBB_BIN "/hebb-train", "--dataset", "mnist", "--data", folder.path(), "--model",
                   "lenet5", "--epochs", "1", "--batch-size", "100", "--threads", "2"},
                  {.in_child = {}, .meanwhile = [&](int pid) { peak = peak_of(pid); }});
  CAPTURE(result.errors, peak);
  CHECK(result.code == 0);
  CHECK(peak > 52.3);  // 70,000 images of 784 bytes
  CHECK(peak < 70);
}

}  // namespace hebb::test
