#include "data/catalog.hpp"

#include <cstdlib>
#include <optional>

#include "data/mnist.hpp"
#include "data/transforms.hpp"
#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

namespace {

// Sets an environment variable, or removes it, for the time of a test.
class Variable {
 public:
  Variable(const char* name, const std::optional<std::string>& value) : name_(name) {
    if (const char* old = std::getenv(name)) previous_ = old;
    set(value);
  }
  ~Variable() { set(previous_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const std::optional<std::string>& value) const {
    if (value)
      setenv(name_, value->c_str(), 1);
    else
      unsetenv(name_);
  }
  const char* name_;
  std::optional<std::string> previous_;
};

void write_pair(const std::string& folder, const std::string& suffix, int64_t samples) {
  std::filesystem::create_directories(folder);
  for (const std::string part : {"train", "t10k"})
    write_mnist(numbered_dataset(samples, 1, 2, 2),
                folder + "/" + part + "-images-idx3-ubyte" + suffix,
                folder + "/" + part + "-labels-idx1-ubyte" + suffix);
}

Bytes cifar_batch(int label) {
  Bytes batch(size_t(10'000) * 3073, std::byte(label));
  return batch;
}

// The folder of the real data sets, where there is one.
std::optional<std::string> real_data(const std::string& name) {
  const std::string root = data_root();
  if (std::filesystem::is_directory(root + "/" + name)) return root;
  skip("no " + name + " in " + root + " (HEBB_DATA)");
  return std::nullopt;
}

std::vector<int64_t> first_labels(const Dataset& dataset, size_t count) {
  const auto labels = dataset.labels.host<int64_t>().first(count);
  return {labels.begin(), labels.end()};
}

}  // namespace

TEST_CASE("catalog: names", "[data]") {
  CHECK(known_datasets().help() == "mnist; fashion-mnist; cifar10; digits");
  const std::string message = message_of<ValueError>([] { load_dataset("imagenet"); });
  CHECK(contains(message, "mnist, fashion-mnist, cifar10, digits"));
  CHECK(contains(message, "imagenet"));
}

TEST_CASE("catalog: the root comes from the option, HEBB_DATA, or the cache folder", "[data]") {
  const Variable cache("XDG_CACHE_HOME", "/cache"), home("HOME", "/home/someone");
  {
    const Variable data("HEBB_DATA", "/from/variable");
    CHECK(data_root("/from/option") == "/from/option");
    CHECK(data_root() == "/from/variable");
  }
  const Variable data("HEBB_DATA", std::nullopt);
  CHECK(data_root() == "/cache/hebb/data");
  const Variable no_cache("XDG_CACHE_HOME", std::nullopt);
  CHECK(data_root() == "/home/someone/.cache/hebb/data");
}

TEST_CASE("catalog: absent files are named, with a way to get them", "[data]") {
  const TemporaryFolder folder;
  const std::string places[] = {"mnist", "fashion-mnist", "cifar10"};
  const std::string files[] = {"train-images-idx3-ubyte", "train-images-idx3-ubyte",
                               "data_batch_1.bin"};
  for (size_t i = 0; i < 3; ++i) {
    const std::string message =
        message_of<IoError>([&] { load_dataset(places[i], {.root = folder.path()}); });
    CAPTURE(message);
    CHECK(contains(message, "[" + places[i] + "]"));
    CHECK(contains(message, files[i] + ".gz"));
    CHECK(contains(message, folder / places[i]));
    CHECK(contains(message, "https://"));
    CHECK(contains(message, "HEBB_DATA"));
  }
}

TEST_CASE("catalog: layouts", "[data]") {
  for (const std::string suffix : {".gz", ""}) {
    const TemporaryFolder own, direct;
    write_pair(own / "mnist", suffix, 30);
    write_pair(own / "fashion-mnist", suffix, 20);
    write_pair(direct.path(), suffix, 10);
    CHECK(load_dataset("mnist", {.root = own.path()}).train.size() == 30);
    CHECK(load_dataset("fashion-mnist", {.root = own.path()}).test.size() == 20);
    CHECK(load_dataset("mnist", {.root = direct.path()}).test.size() == 10);
    CHECK(load_dataset("fashion-mnist", {.root = own.path()}).train.name == "fashion-mnist");
    const Variable data("HEBB_DATA", own.path());
    CHECK(load_dataset("mnist").train.size() == 30);
  }
}

TEST_CASE("catalog: cifar10 takes the batches that are there", "[data]") {
  const TemporaryFolder folder;
  const std::string place = folder / "cifar-10-batches-bin/";
  write_file(place + "data_batch_2.bin", cifar_batch(2));
  write_file(place + "data_batch_5.bin", cifar_batch(5));
  CHECK(contains(message_of<IoError>([&] { load_dataset("cifar10", {.root = folder.path()}); }),
                 "test_batch.bin"));
  write_file(place + "test_batch.bin", cifar_batch(7));
  const DataPair pair = load_dataset("cifar10", {.root = folder.path()});
  CHECK(pair.train.size() == 20'000);
  CHECK(pair.train.class_counts()[5] == 10'000);
  CHECK(pair.test.class_counts()[7] == 10'000);
  CHECK(pair.train.description == "CIFAR-10, 2 of 5 training batches");
  Bytes batch = cifar_batch(1);
  batch.resize(9'999 * 3073);
  write_file(place + "data_batch_1.bin", batch);
  CHECK(contains(message_of<FormatError>([&] { load_dataset("cifar10", {.root = folder.path()}); }),
                 "data_batch_1.bin at byte 30726927: expected 10000 records, got 9999"));
}

TEST_CASE("catalog: digits need no files", "[data]") {
  const DataPair pair = load_dataset("digits", {.digits_train = 300, .digits_test = 100});
  CHECK(pair.train.images.shape() == Shape{300, 1, 28, 28});
  CHECK(pair.train.class_counts() == std::vector<int64_t>(10, 30));
  CHECK(pair.test.class_counts() == std::vector<int64_t>(10, 10));
  CHECK(pair.train.name == "digits");
  const DataPair larger = load_dataset("digits", {.digits_train = 310, .digits_test = 100});
  CHECK(larger.test.images.to_vector<uint8_t>() == pair.test.images.to_vector<uint8_t>());
  const DataPair other =
      load_dataset("digits", {.digits_train = 10, .digits_test = 100, .digits_seed = 1});
  CHECK(other.test.images.to_vector<uint8_t>() != pair.test.images.to_vector<uint8_t>());
}

TEST_CASE("catalog: the real MNIST", "[data][needs-data]") {
  const std::optional<std::string> root = real_data("mnist");
  if (!root) return;
  const DataPair pair = load_dataset("mnist", {.root = *root});
  CHECK(pair.train.images.shape() == Shape{60'000, 1, 28, 28});
  CHECK(pair.test.images.shape() == Shape{10'000, 1, 28, 28});
  using Labels = std::vector<int64_t>;
  CHECK(first_labels(pair.train, 10) == Labels{5, 0, 4, 1, 9, 2, 1, 3, 1, 4});
  CHECK(first_labels(pair.test, 10) == Labels{7, 2, 1, 0, 4, 1, 4, 9, 5, 9});
  CHECK(pair.train.class_counts() ==
        Labels{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949});
  CHECK(pair.test.class_counts() == Labels{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
  const Normalize normalize = normalize_for(pair.train);
  CHECK(normalize.mean[0] == Approx(0.1307).margin(5e-5));
  CHECK(normalize.deviation[0] == Approx(0.3081).margin(5e-5));
}

TEST_CASE("catalog: the real Fashion-MNIST", "[data][needs-data]") {
  const std::optional<std::string> root = real_data("fashion-mnist");
  if (!root) return;
  const DataPair pair = load_dataset("fashion-mnist", {.root = *root});
  CHECK(pair.train.images.shape() == Shape{60'000, 1, 28, 28});
  CHECK(first_labels(pair.train, 10) == std::vector<int64_t>{9, 0, 0, 3, 0, 2, 7, 2, 5, 5});
  CHECK(first_labels(pair.test, 10) == std::vector<int64_t>{9, 2, 1, 1, 6, 1, 4, 6, 5, 7});
  CHECK(pair.train.class_counts() == std::vector<int64_t>(10, 6000));
  CHECK(pair.test.class_counts() == std::vector<int64_t>(10, 1000));
}

TEST_CASE("catalog: the real CIFAR-10", "[data][needs-data]") {
  const std::optional<std::string> root = real_data("cifar10");
  if (!root) return;
  const DataPair pair = load_dataset("cifar10", {.root = *root});
  CHECK(pair.train.images.shape().with(0, 0) == Shape{0, 3, 32, 32});
  CHECK(pair.train.size() % 10'000 == 0);
  CHECK(pair.test.class_counts() == std::vector<int64_t>(10, 1000));
  const Normalize normalize = normalize_for(pair.train);
  const std::vector<double> mean = {0.4914, 0.4822, 0.4465}, deviation = {0.2470, 0.2435, 0.2616};
  for (size_t c = 0; c < 3; ++c) {
    CHECK(normalize.mean[c] == Approx(mean[c]).margin(5e-3));
    CHECK(normalize.deviation[c] == Approx(deviation[c]).margin(5e-3));
  }
}
