// Batches that a GPU makes of a data set in its memory are the CPU's, bit for bit.
#include "data/loader.hpp"

#include <cstring>

#include "core/backend.hpp"
#include "core/log.hpp"
#include "core/ops/images.hpp"
#include "data/synthetic.hpp"
#include "gpu/cuda_backend.hpp"
#include "tests/data/support.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

using test::numbered_dataset;

const Device device = Device::cuda();

// Every bit of the next `epochs` epochs.
std::vector<std::vector<float>> batches_of(const Dataset& data, LoaderOptions options, Device on,
                                           int epochs = 2) {
  options.device = on;
  Loader loader(data, options);
  loader.seek({.seed = options.seed, .epoch = 3, .batch = 1});
  std::vector<std::vector<float>> result;
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (const Batch& batch : loader) {
      CHECK(batch.images.device() == on);
      result.push_back(batch.images.to_vector<float>());
      for (const int64_t label : batch.labels.to_vector<int64_t>())
        result.back().push_back(float(label));
    }
  return result;
}

void check_same(const Dataset& data, const LoaderOptions& options) {
  const auto cpu = batches_of(data, options, Device::cpu()),
             gpu = batches_of(data, options, device);
  REQUIRE(cpu.size() == gpu.size());
  for (size_t i = 0; i < cpu.size(); ++i) {
    REQUIRE(cpu[i].size() == gpu[i].size());
    CHECK(std::memcmp(cpu[i].data(), gpu[i].data(), cpu[i].size() * sizeof(float)) == 0);
  }
}

std::vector<std::string> messages_of(const std::function<void()>& call) {
  std::vector<std::string> messages;
  set_log_sink([&](LogLevel, std::string_view message) { messages.emplace_back(message); });
  call();
  set_log_sink({});
  return messages;
}

Transform augmentation() {
  return compose({RandomCrop{.padding = 2, .fill = 0.25f}, RandomHorizontalFlip{},
                  Normalize{{0.5f, 0.4f, 0.3f}, {0.2f, 0.3f, 0.25f}}});
}

TEST_CASE("batches that a GPU makes are the CPU's bits", "[gpu]") {
  const Dataset data = numbered_dataset(43, 3, 5, 7);
  for (const Transform& transform :
       {Transform(), Transform(normalize_for(data)), Transform(RandomCrop{.padding = 3}),
        Transform(RandomHorizontalFlip{}), augmentation()})
    for (const bool shuffle : {false, true}) {
      check_same(data, {.batch_size = 10, .shuffle = shuffle, .seed = 5, .transform = transform});
      for (const int rank : {0, 2})
        check_same(data,
                   {.batch_size = 10, .seed = 6, .transform = transform, .rank = rank, .ranks = 4});
    }
  CHECK(emulation.broken_guards == 0);
}

TEST_CASE("a data set goes to a GPU once, as bytes; then the order of each epoch", "[gpu]") {
  const Dataset data = numbered_dataset(40, 3, 5, 7);
  size_t before = emulation.uploaded;
  Loader loader(data, {.batch_size = 10, .transform = augmentation(), .device = device});
  CHECK(emulation.uploaded - before == data.images.bytes() + data.labels.bytes());
  for (int epoch = 0; epoch < 2; ++epoch) {
    before = emulation.uploaded;
    while (loader.next()) {
    }
    CHECK(emulation.uploaded - before == 40 * sizeof(int64_t));
  }
}

TEST_CASE("what is a function makes batches on the host, and says so", "[gpu]") {
  const Dataset data = numbered_dataset(40, 3, 5, 7);
  const auto darker = [](Sample& sample) {
    for (float& x : sample.pixels) x *= 0.5f;
  };
  const LoaderOptions options{.batch_size = 10, .transform = compose({augmentation(), darker})};
  CHECK(messages_of([&] { check_same(data, options); }) ==
        std::vector<std::string>{
            "[loader] batches are made on the host: no device follows this transform"});
}

TEST_CASE("a GPU without memory for a data set gets its batches from the host", "[gpu]") {
  const Dataset data = numbered_dataset(5000, 3, 5, 7);
  auto& memory = static_cast<CudaBackend&>(backend_for(device)).memory();
  memory.trim();
  const size_t lent = memory.stats().lent;
  std::optional<Loader> loader;
  emulation.memory_left = false;
  const std::vector<std::string> messages = messages_of(
      [&] { loader.emplace(data, LoaderOptions{.batch_size = 10, .seed = 1, .device = device}); });
  emulation.memory_left = true;
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].starts_with(
      "[loader] batches are made on the host: [cuda] out of memory: asked for"));
  CHECK(memory.stats().lent == lent);
  Loader cpu(data, {.batch_size = 10, .seed = 1});
  CHECK(loader->next()->images.to_vector<float>() == cpu.next()->images.to_vector<float>());
}

TEST_CASE("a GPU tells of samples that are not there, and makes zeros of them", "[gpu]") {
  const Tensor images = Tensor::full({3, 1, 2, 2}, 7, {DType::uint8, device});
  const Tensor labels = Tensor::full({3}, 5, {DType::int64, device});
  const Tensor to = Tensor::ones({2, 1, 2, 2}, {.device = device});
  const Tensor to_labels = Tensor::ones({2}, {DType::int64, device});
  const auto make = [&](std::vector<int64_t> indices) {
    hebb::make_batch(images, labels, Tensor::from(indices, {2}, device), {}, Generator(), to,
                     to_labels);
  };
  make({1, 3});
  CHECK(test::message_of<ValueError>([&] { to.to_vector<float>(); }) ==
        "[make_batch] expected indices in [0, 3), got 3 at 1");
  CHECK(to.to_vector<float>() ==
        std::vector<float>{7 / 255.0f, 7 / 255.0f, 7 / 255.0f, 7 / 255.0f, 0, 0, 0, 0});
  CHECK(to_labels.to_vector<int64_t>() == std::vector<int64_t>{5, 0});
  // Nothing is read behind the last index.
  make_batch_at(Tensor::from(std::vector<int64_t>{1, 0, 0}, {3}, device), images, labels,
                Tensor::from(std::vector<int64_t>{0, 2}, {2}, device), {}, to, to_labels);
  CHECK(test::message_of<ValueError>([&] { to.to_vector<float>(); }) ==
        "[make_batch] expected indices in [0, 3), got -1 at 1");
  CHECK(to_labels.to_vector<int64_t>() == std::vector<int64_t>{5, 0});
}

TEST_CASE("a loader's places become the batches that it makes itself", "[gpu]") {
  const Dataset data = hebb::digits({.samples = 23});
  const LoaderOptions options{
      .batch_size = 5,
      .seed = 3,
      .transform = compose({RandomCrop{.padding = 2}, RandomHorizontalFlip{}, normalize_for(data)}),
      .device = device};
  for (const int ranks : {1, 2}) {
    LoaderOptions of_rank = options;
    of_rank.rank = ranks - 1;
    of_rank.ranks = ranks;
    Loader made(data, of_rank), placed(data, of_rank);
    CHECK(placed.makes_on_device());
    for (int epoch = 0; epoch < 3; ++epoch) {
      if (epoch == 2) {  // elsewhere, and by turns
        made.seek({.seed = 8, .epoch = 5, .batch = 2});
        placed.seek({.seed = 8, .epoch = 5, .batch = 2});
      }
      for (int64_t i = 0;; ++i) {
        const std::optional<Batch> batch = made.next();
        const bool by_place = i != 1;
        const std::optional<Batch> place = by_place ? placed.next_place() : placed.next();
        REQUIRE(batch.has_value() == place.has_value());
        CHECK(made.position() == placed.position());
        if (!batch) break;
        if (by_place) placed.make(*place);
        CHECK(place->rows.first == batch->rows.first);
        CHECK(place->images.to_vector<float>() == batch->images.to_vector<float>());
        CHECK(place->labels.to_vector<int64_t>() == batch->labels.to_vector<int64_t>());
      }
    }
  }
  Loader on_host(data, {.batch_size = 5});
  CHECK(!on_host.makes_on_device());
  CHECK_THROWS_WITH(on_host.next_place(), "[loader] expected a device that makes batches itself");
}

}  // namespace
}  // namespace hebb::cuda
