#include "data/loader.hpp"

#include <algorithm>
#include <thread>

#include "core/parallel.hpp"
#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

namespace {

// The indices that a numbered_dataset's images hold.
std::vector<int64_t> indices_of(const Batch& batch) {
  const int64_t pixels = batch.images.shape().product(1, 4);
  const auto images = batch.images.host<float>();
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < batch.size(); ++i)
    indices.push_back(std::lround(images[size_t(i * pixels)] * 255) +
                      256 * std::lround(images[size_t(i * pixels + 1)] * 255));
  return indices;
}

std::vector<int64_t> epoch_of(Loader& loader) {
  std::vector<int64_t> order;
  for (const Batch& batch : loader) {
    const std::vector<int64_t> indices = indices_of(batch);
    const auto labels = batch.labels.host<int64_t>();
    for (size_t i = 0; i < indices.size(); ++i) CHECK(labels[i] == indices[i] % 10);
    order.insert(order.end(), indices.begin(), indices.end());
  }
  return order;
}

std::vector<int64_t> ascending(int64_t n) {
  std::vector<int64_t> order;
  for (int64_t i = 0; i < n; ++i) order.push_back(i);
  return order;
}

// Every bit that a loader gives in its next `epochs` epochs.
std::vector<float> bits_of(Loader& loader, int epochs) {
  std::vector<float> bits;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    for (const Batch& batch : loader) {
      std::ranges::copy(batch.images.host<float>(), std::back_inserter(bits));
      std::ranges::copy(batch.labels.host<int64_t>(), std::back_inserter(bits));
    }
  }
  return bits;
}

Transform augmentation() {
  return compose({RandomCrop{.padding = 4}, RandomHorizontalFlip{},
                  Normalize{{0.5f, 0.4f, 0.3f}, {0.2f, 0.3f, 0.25f}}});
}

}  // namespace

TEST_CASE("loader: every sample once an epoch, in a seeded order", "[data]") {
  const Dataset dataset = numbered_dataset(1030, 1, 3, 3);
  for (const int64_t prefetch : {0, 2}) {
    Loader loader(dataset, {.batch_size = 100, .seed = 4, .prefetch = prefetch});
    CHECK(loader.batches() == 11);
    const std::vector<int64_t> first = epoch_of(loader), second = epoch_of(loader);
    CHECK(first != ascending(1030));
    CHECK(first != second);
    for (std::vector<int64_t> order : {first, second}) {
      std::ranges::sort(order);
      CHECK(order == ascending(1030));
    }
    Loader same(dataset, {.batch_size = 7, .seed = 4, .prefetch = 0});
    CHECK(epoch_of(same) == first);
    Loader other(dataset, {.batch_size = 100, .seed = 5});
    CHECK(epoch_of(other) != first);
    Loader plain(dataset, {.shuffle = false, .prefetch = prefetch});
    CHECK(epoch_of(plain) == ascending(1030));
    CHECK(epoch_of(plain) == ascending(1030));
  }
}

TEST_CASE("loader: the last batch is kept or dropped", "[data]") {
  const Dataset dataset = numbered_dataset(25, 1, 2, 3);
  const auto sizes = [&](LoaderOptions options) {
    Loader loader(dataset, options);
    std::vector<int64_t> result;
    for (int epoch = 0; epoch < 2; ++epoch)
      for (const Batch& batch : loader) {
        CHECK(batch.images.shape() == Shape{batch.size(), 1, 2, 3});
        CHECK(batch.images.dtype() == DType::float32);
        result.push_back(batch.size());
      }
    return result;
  };
  using Sizes = std::vector<int64_t>;
  CHECK(sizes({.batch_size = 10}) == Sizes{10, 10, 5, 10, 10, 5});
  CHECK(sizes({.batch_size = 10, .drop_last = true}) == Sizes{10, 10, 10, 10});
  CHECK(sizes({.batch_size = 5, .drop_last = true, .prefetch = 0}) == Sizes(10, 5));
  CHECK(sizes({.batch_size = 100}) == Sizes{25, 25});
  CHECK(sizes({.batch_size = 100, .drop_last = true}).empty());
}

TEST_CASE("loader: an empty data set has no batches", "[data]") {
  Loader loader(numbered_dataset(0, 1, 2, 2));
  CHECK(loader.batches() == 0);
  CHECK_FALSE(loader.next());
  CHECK_FALSE(loader.next());
  CHECK(loader.position().epoch == 2);
}

TEST_CASE("loader: the same bits for any prefetch and number of threads", "[data]") {
  const Dataset dataset = numbered_dataset(230, 3, 32, 32);
  const int threads = num_threads();
  const auto bits = [&](int64_t prefetch, int n) {
    set_num_threads(n);
    Loader loader(dataset, {.seed = 8, .prefetch = prefetch, .transform = augmentation()});
    return bits_of(loader, 2);
  };
  const std::vector<float> expected = bits(0, 1);
  CHECK(expected.size() == 2 * 230 * (3072 + 1));
  for (const int64_t prefetch : {0, 1, 2, 5})
    for (const int n : {1, 2}) CHECK(bits(prefetch, n) == expected);
  set_num_threads(threads);
}

TEST_CASE("loader: a sample's transform depends on seed, epoch and sample alone", "[data]") {
  const Dataset dataset = numbered_dataset(60, 3, 8, 8);
  const auto one_epoch = [&](LoaderOptions options, int64_t epoch) {
    options.transform = augmentation();
    Loader loader(dataset, options);
    loader.seek({.seed = 1, .epoch = epoch});
    std::vector<float> images = bits_of(loader, 1);
    return images;
  };
  // In the data set's order, batch sizes only cut the sequence; labels stand between batches.
  const auto images_of = [&](int64_t batch_size, int64_t epoch) {
    Loader loader(dataset,
                  {.batch_size = batch_size, .shuffle = false, .transform = augmentation()});
    loader.seek({.seed = 1, .epoch = epoch});
    std::vector<float> images;
    for (const Batch& batch : loader)
      std::ranges::copy(batch.images.host<float>(), std::back_inserter(images));
    return images;
  };
  CHECK(images_of(7, 0) == images_of(60, 0));
  CHECK(images_of(7, 3) == images_of(60, 3));
  CHECK(images_of(7, 0) != images_of(7, 1));

  const std::vector<float> shuffled = one_epoch({.batch_size = 60}, 2);
  const std::vector<float> plain = images_of(60, 2);
  for (int64_t i = 0; i < 60; ++i) {
    const auto image = std::span(shuffled).subspan(size_t(i * 192), 192);
    CHECK(std::ranges::search(plain, image).begin() != plain.end());
  }
}

TEST_CASE("loader: functions and values give the same bits", "[data]") {
  const Dataset dataset = numbered_dataset(60, 3, 8, 9);
  for (const Transform& values :
       {augmentation(), compose({RandomHorizontalFlip{}, RandomCrop{.padding = 12, .fill = 0.5f}}),
        Transform()}) {
    const auto function = [values](Sample& sample) { values(sample); };
    Loader a(dataset, {.batch_size = 7, .seed = 3, .transform = values});
    Loader b(dataset, {.batch_size = 7, .seed = 3, .transform = function});
    const std::vector<float> bits = bits_of(a, 2);
    CHECK(bits == bits_of(b, 2));
  }
}

TEST_CASE("loader: goes on from a position with the same bits", "[data]") {
  const Dataset dataset = numbered_dataset(105, 3, 8, 8);
  const LoaderOptions options{.batch_size = 10, .seed = 21, .transform = augmentation()};
  for (const int steps : {0, 1, 5, 11, 12, 17}) {
    CAPTURE(steps);
    Loader loader(dataset, options);
    for (int step = 0; step < steps; ++step) loader.next();
    const LoaderPosition position = loader.position();
    LoaderOptions changed = options;
    changed.seed = 99;
    Loader resumed(dataset, changed);
    resumed.next();
    resumed.seek(position);
    CHECK(resumed.position() == position);
    CHECK(bits_of(resumed, 3) == bits_of(loader, 3));
  }
  Loader loader(dataset, options);
  CHECK_THROWS_AS(loader.seek({.epoch = -1}), ValueError);
  CHECK_THROWS_AS(loader.seek({.batch = 12}), ValueError);
}

TEST_CASE("loader: a loop left early goes on where it stopped", "[data]") {
  Loader loader(numbered_dataset(50, 1, 2, 2), {.batch_size = 10, .shuffle = false});
  for (const Batch& batch : loader)
    if (indices_of(batch)[0] == 10) break;
  CHECK(loader.position() == LoaderPosition{.batch = 2});
  const std::vector<int64_t> rest = epoch_of(loader);
  CHECK(rest.size() == 30);
  CHECK(rest[0] == 20);
  CHECK(loader.position() == LoaderPosition{.epoch = 1});
}

TEST_CASE("loader: may be destroyed and moved at any time", "[data]") {
  const Dataset dataset = numbered_dataset(200, 1, 8, 8);
  for (int steps = 0; steps < 60; ++steps) {
    Loader loader(dataset, {.batch_size = 10, .prefetch = 1 + steps % 4});
    for (int step = 0; step < steps; ++step) loader.next();
    if (steps % 3 == 0) std::this_thread::yield();
    Loader moved = std::move(loader);
    moved.next();
    if (steps % 2) moved = Loader(dataset, {.batch_size = 20});
    moved.next();
  }
}

TEST_CASE("loader: an exception in a transform reaches the caller", "[data]") {
  const Dataset dataset = numbered_dataset(100, 1, 2, 2);
  std::atomic<bool> broken{true};
  const Transform transform = [&](Sample& sample) {
    if (broken && std::lround(sample.pixels[0] * 255) == 35) throw ValueError("sample 35");
  };
  for (const int64_t prefetch : {0, 1, 3}) {
    broken = true;
    Loader loader(
        dataset,
        {.batch_size = 10, .shuffle = false, .prefetch = prefetch, .transform = transform});
    for (int64_t i = 0; i < 3; ++i) CHECK(indices_of(*loader.next())[0] == 10 * i);
    CHECK(message_of<ValueError>([&] { loader.next(); }) == "sample 35");
    CHECK(message_of<ValueError>([&] { loader.next(); }) == "sample 35");
    CHECK(loader.position() == LoaderPosition{.batch = 3});
    broken = false;
    CHECK(indices_of(*loader.next())[0] == 30);
    Loader dropped(dataset, {.batch_size = 10, .prefetch = prefetch, .transform = transform});
  }
}

TEST_CASE("loader: batches that are kept stay as they are", "[data]") {
  Loader loader(numbered_dataset(300, 1, 4, 4), {.batch_size = 10, .shuffle = false});
  std::vector<Batch> kept;
  for (const Batch& batch : loader) kept.push_back(batch);
  for (int64_t i = 0; i < 30; ++i) CHECK(indices_of(kept[size_t(i)])[0] == 10 * i);
}

TEST_CASE("loader: an epoch after the first takes no memory from the system", "[data]") {
  const Dataset dataset = numbered_dataset(1050, 1, 28, 28);
  for (const int64_t prefetch : {0, 2}) {
    Loader loader(dataset, {.prefetch = prefetch});
    double sum = 0;
    const auto run_epoch = [&] {
      for (const Batch& batch : loader) sum += batch.images.host<float>()[0];
    };
    run_epoch();
    const int64_t before = memory_stats().system_allocations;
    for (int epoch = 0; epoch < 3; ++epoch) run_epoch();
    CHECK(memory_stats().system_allocations == before);
    CHECK(sum > 0);
  }
}

TEST_CASE("loader: wrong options", "[data]") {
  const Dataset dataset = numbered_dataset(10, 1, 2, 2);
  CHECK_THROWS_AS(Loader(dataset, {.batch_size = 0}), ValueError);
  CHECK_THROWS_AS(Loader(dataset, {.prefetch = -1}), ValueError);
  Dataset mislabelled = dataset;
  mislabelled.classes = 3;
  CHECK_THROWS_AS(Loader(mislabelled), ValueError);
}

TEST_CASE("loader: the shares of ranks are the batches of one loader, transforms and all",
          "[data]") {
  const auto noise = [](Sample& sample) { sample.pixels[2] = float(sample.random.uniform()); };
  for (const int ranks : {1, 2, 3, 4}) {
    CAPTURE(ranks);
    const LoaderOptions options{.batch_size = 7, .seed = 5, .transform = noise};
    // 3 batches: of 7, of 7 and of 2, for which 3 and 4 ranks are too many.
    Loader whole(numbered_dataset(16, 1, 2, 2), options);
    std::vector<Loader> shares;
    for (int rank = 0; rank < ranks; ++rank) {
      LoaderOptions own = options;
      own.rank = rank;
      own.ranks = ranks;
      own.prefetch = rank % 2;
      shares.emplace_back(numbered_dataset(16, 1, 2, 2), own);
    }
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (const Batch& batch : whole) {
        const bool copied = batch.size() < ranks;
        double counted = 0;
        int64_t first = 0;
        for (Loader& loader : shares) {
          const std::optional<Batch> share = loader.next();
          REQUIRE(share);
          CHECK(share->total() == batch.size());
          CHECK(share->rows.copies == (copied ? ranks : 1));
          CHECK(share->rows.first == (copied ? 0 : first));
          counted += share->counted();
          const Tensor rows =
              batch.images.slice(share->rows.first, share->rows.first + share->size());
          CHECK(rows.to_vector<float>() == share->images.to_vector<float>());
          first += share->size();
        }
        CHECK(counted == Approx(double(batch.size())));
        CHECK(first == (copied ? ranks : 1) * batch.size());
      }
      for (Loader& loader : shares) CHECK(!loader.next());
    }
  }
  CHECK_THROWS_AS(Loader(numbered_dataset(4, 1, 2, 2), {.rank = 2, .ranks = 2}), ValueError);
}
