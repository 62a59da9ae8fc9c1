#include "tests/apps/runs.hpp"

#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <thread>

#include "data/synthetic.hpp"
#include "tests/data/support.hpp"

namespace hebb::test {
namespace {

namespace fs = std::filesystem;

// Big-endian dimensions after the magic number, as IDX files have them.
Bytes idx(std::initializer_list<int> dimensions, std::span<const uint8_t> values) {
  Bytes file = bytes({0, 0, 8, int(dimensions.size())});
  for (const int dimension : dimensions)
    for (const int shift : {24, 16, 8, 0}) file.push_back(std::byte(dimension >> shift & 255));
  for (const uint8_t value : values) file.push_back(std::byte(value));
  return file;
}

void write_set(const std::string& path, const Dataset& set) {
  const int n = int(set.size());
  std::vector<uint8_t> labels;
  for (const int64_t label : set.labels.host<int64_t>()) labels.push_back(uint8_t(label));
  write_file(path + "-images-idx3-ubyte", idx({n, 28, 28}, set.images.host<uint8_t>()));
  write_file(path + "-labels-idx1-ubyte", idx({n}, labels));
}

}  // namespace

Runs::Runs(std::vector<std::string> flags) : flags_(std::move(flags)) {
  restore_data();
  write_set(folder_ / "mnist/t10k", digits({.samples = 40, .first = 120}));
}

void Runs::restore_data() const { write_set(folder_ / "mnist/train", digits({.samples = 120})); }

void Runs::change_data() const {
  write_set(folder_ / "mnist/train", digits({.samples = 120, .first = 500}));
}

ProcessResult Runs::start(const std::string& name, std::vector<std::string> more,
                          const ProcessOptions& options) const {
  std::vector<std::string> command = {HEBB_BIN "/hebb-train", "--dataset", "mnist",       "--data",
                                      folder_.path(),         "--output",  folder_ / name};
  command.insert(command.end(), flags_.begin(), flags_.end());
  command.insert(command.end(), more.begin(), more.end());
  return run_process(command, options);
}

void Runs::finish(const std::string& name, const std::vector<std::string>& more) const {
  const ProcessResult result = start(name, more);
  CAPTURE(result.errors);
  REQUIRE(result.code == 0);
}

void Runs::check_equal(const std::string& a, const std::string& b) const {
  for (const char* file : {"metrics.csv", "metrics.jsonl", "summary.json", "model.safetensors"}) {
    CAPTURE(file);
    REQUIRE(fs::exists(folder_ / a + "/" + file));
    CHECK(read_file(folder_ / a + "/" + file) == read_file(folder_ / b + "/" + file));
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_ / b))
    CHECK(entry.path().extension() != ".partial");
}

ino_t identity(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0 ? found.st_ino : 0;
}

void await_change(const std::string& path, ino_t before) {
  using namespace std::chrono_literals;
  for (int i = 0; i < 200'000 && identity(path) == before; ++i) std::this_thread::sleep_for(100us);
}

}  // namespace hebb::test
