#include "data/catalog.hpp"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>

#include "core/check.hpp"
#include "core/log_message.hpp"
#include "data/cifar.hpp"
#include "data/mnist.hpp"
#include "data/synthetic.hpp"

namespace hebb {
namespace {

namespace fs = std::filesystem;

// The files of one data set: packed or not, in a folder of their own or in the root.
class Files {
 public:
  Files(std::string name, const std::string& root, std::string how_to_get = {})
      : name_(std::move(name)),
        root_(data_root(root)),
        folders_{name_},
        how_to_get_(std::move(how_to_get)) {
    if (name_ == "cifar10") folders_.emplace_back("cifar-10-batches-bin");
    folders_.emplace_back();
  }

  std::optional<std::string> find(const std::string& file) const {
    for (const std::string& folder : folders_)
      for (const char* suffix : {".gz", ""})
        if (const fs::path path = root_ / folder / (file + suffix);
            fs::is_regular_file(path, ignored()))
          return path.string();
    return std::nullopt;
  }

  // The paths of all of these, or an IoError that names the absent ones.
  std::vector<std::string> require(const std::vector<std::string>& files) const {
    std::vector<std::string> paths, absent, places;
    for (const std::string& file : files) {
      if (std::optional<std::string> path = find(file))
        paths.push_back(*path);
      else
        absent.push_back(file + ".gz");
    }
    if (absent.empty()) {
      log_message(LogLevel::info, "[{}] reads {}", name_, fmt::join(paths, ", "));
      return paths;
    }
    for (const std::string& folder : folders_) places.push_back((root_ / folder / "").string());
    fail<IoError>(
        "[{}] cannot find {} (packed, or the same without .gz) in {}. Get it by hebb-data fetch "
        "{}, or from {}, or name the folder of your data sets by --data or HEBB_DATA. The data set "
        "digits needs no files.",
        name_, fmt::join(absent, ", "), fmt::join(places, " or "), name_, how_to_get_);
  }

 private:
  static std::error_code& ignored() {
    thread_local std::error_code error;
    return error;
  }

  std::string name_;
  fs::path root_;
  std::vector<std::string> folders_;
  std::string how_to_get_;
};

DataPair load_idx_pair(const Files& files, const std::string& name) {
  const std::vector<std::string> paths =
      files.require({"train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
                     "t10k-labels-idx1-ubyte"});
  DataPair pair{.train = read_mnist(paths[0], paths[1]), .test = read_mnist(paths[2], paths[3])};
  pair.train.name = pair.test.name = name;
  return pair;
}

DataPair load_mnist(const CatalogOptions& options) {
  return load_idx_pair(
      Files("mnist", options.root, "https://ossci-datasets.s3.amazonaws.com/mnist/"), "mnist");
}

DataPair load_fashion_mnist(const CatalogOptions& options) {
  return load_idx_pair(
      Files("fashion-mnist", options.root, "https://github.com/zalandoresearch/fashion-mnist"),
      "fashion-mnist");
}

DataPair load_cifar10(const CatalogOptions& options) {
  constexpr int64_t batches = 5, records = 10'000;
  const Files files("cifar10", options.root,
                    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz");
  const auto file_of = [](int64_t batch) { return fmt::format("data_batch_{}.bin", batch); };
  std::vector<std::string> train;
  for (int64_t batch = 1; batch <= batches; ++batch)
    if (const std::optional<std::string> path = files.find(file_of(batch))) train.push_back(*path);
  std::vector<std::string> needed = {"test_batch.bin"};
  if (train.empty()) needed.insert(needed.begin(), file_of(1));
  const std::string test = files.require(needed).back();
  log_message(LogLevel::info, "[cifar10] reads {}", fmt::join(train, ", "));
  std::vector<Dataset> parts;
  parts.reserve(train.size());
  for (const std::string& path : train) parts.push_back(read_cifar10(path, records));
  DataPair pair{.train = concatenate(parts), .test = read_cifar10(test, records)};
  pair.train.description =
      fmt::format("CIFAR-10, {} of {} training batches", parts.size(), batches);
  pair.test.description = "CIFAR-10, test batch";
  return pair;
}

DataPair load_digits(const CatalogOptions& options) {
  constexpr int64_t first_test_sample = 10'000'000'000;
  return {.train = digits({.samples = options.digits_train, .seed = options.digits_seed}),
          .test = digits({.samples = options.digits_test,
                          .seed = options.digits_seed,
                          .first = first_test_sample})};
}

std::string environment(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

}  // namespace

const Choices<LoadDataset>& known_datasets() {
  static const Choices<LoadDataset> datasets("data", {{"mnist", load_mnist},
                                                      {"fashion-mnist", load_fashion_mnist},
                                                      {"cifar10", load_cifar10},
                                                      {"digits", load_digits}});
  return datasets;
}

std::string data_root(const std::string& root) {
  if (!root.empty()) return root;
  if (const std::string variable = environment("HEBB_DATA"); !variable.empty()) return variable;
  const std::string cache = environment("XDG_CACHE_HOME");
  return ((cache.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(cache)) / "hebb" /
          "data")
      .string();
}

std::optional<std::string> find_data_file(const std::string& dataset, const std::string& file,
                                          const std::string& root) {
  return Files(dataset, root).find(file);
}

DataPair load_dataset(std::string_view name, const CatalogOptions& options) {
  return known_datasets().at(name)(options);
}

}  // namespace hebb
