#include "data/synthetic.hpp"

#include <algorithm>
#include <set>

#include "core/parallel.hpp"
#include "data/mnist.hpp"
#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

namespace {

std::vector<uint8_t> pixels(const Dataset& dataset) { return dataset.images.to_vector<uint8_t>(); }
std::vector<int64_t> labels(const Dataset& dataset) { return dataset.labels.to_vector<int64_t>(); }

}  // namespace

TEST_CASE("digits: a sample is a function of the seed and its number", "[data]") {
  const Dataset all = digits({.samples = 500, .seed = 3});
  CHECK(all.images.shape() == Shape{500, 1, 28, 28});
  const Dataset again = digits({.samples = 500, .seed = 3});
  CHECK(pixels(again) == pixels(all));
  CHECK(labels(again) == labels(all));

  std::vector<int64_t> middle(200);
  for (size_t i = 0; i < middle.size(); ++i) middle[i] = 123 + int64_t(i);
  const Dataset part = digits({.samples = 200, .seed = 3, .first = 123});
  CHECK(pixels(part) == pixels(all.subset(middle)));
  CHECK(labels(part) == labels(all.subset(middle)));

  const Dataset other = digits({.samples = 500, .seed = 4});
  CHECK(pixels(other) != pixels(all));
  CHECK(labels(other) != labels(all));
}

TEST_CASE("digits: the number of threads does not matter", "[data]") {
  const int threads = num_threads();
  set_num_threads(1);
  const Dataset one = digits({.samples = 300, .seed = 9});
  for (const int n : {2, 3}) {
    set_num_threads(n);
    const Dataset several = digits({.samples = 300, .seed = 9});
    CHECK(pixels(several) == pixels(one));
    CHECK(labels(several) == labels(one));
  }
  set_num_threads(threads);
}

TEST_CASE("digits: classes are balanced", "[data]") {
  const Dataset balanced = digits({.samples = 1000, .seed = 1, .first = 50});
  CHECK(balanced.class_counts() == std::vector<int64_t>(10, 100));
  const Dataset free = digits({.samples = 1000, .seed = 1, .balanced = false});
  const std::vector<int64_t> counts = free.class_counts();
  CHECK(counts != std::vector<int64_t>(10, 100));
  for (const int64_t count : counts) CHECK((count > 60 && count < 140));
}

TEST_CASE("digits: every image has ink, and no two are equal", "[data]") {
  const Dataset dataset = digits({.samples = 1000, .seed = 2});
  std::set<std::string> images;
  for (int64_t i = 0; i < 1000; ++i) {
    const std::vector<uint8_t> image = dataset.images.slice(i, i + 1).to_vector<uint8_t>();
    const int64_t ink = std::ranges::count_if(image, [](uint8_t x) { return x > 120; });
    CHECK((ink > 10 && ink < 400));
    images.emplace(image.begin(), image.end());
  }
  CHECK(images.size() == 1000);
}

TEST_CASE("digits: are written and read as IDX", "[data]") {
  const TemporaryFolder folder;
  const Dataset dataset = digits({.samples = 64, .seed = 5});
  write_mnist(dataset, folder / "images.gz", folder / "labels.gz");
  const Dataset read = read_mnist(folder / "images.gz", folder / "labels.gz");
  CHECK(pixels(read) == pixels(dataset));
  CHECK(labels(read) == labels(dataset));
  CHECK_THROWS_AS(digits({.samples = -1}), ValueError);
}
