#include "data/transforms.hpp"

#include <numeric>
#include <set>

#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

namespace {

constexpr int64_t channels = 2, height = 5, width = 7;

std::vector<float> ramp() {
  std::vector<float> image(size_t(channels * height * width));
  std::iota(image.begin(), image.end(), 1.0f);
  return image;
}

std::vector<float> apply(const Transform& transform, uint64_t seed, std::vector<float> image) {
  Sample sample{image, channels, height, width, Generator(seed)};
  transform(sample);
  return image;
}

}  // namespace

TEST_CASE("transforms: to_float divides by 255", "[data]") {
  std::vector<uint8_t> bytes(256);
  std::iota(bytes.begin(), bytes.end(), uint8_t(0));
  std::vector<float> floats(256);
  to_float(bytes, floats);
  for (int i = 0; i < 256; ++i) CHECK(floats[size_t(i)] == float(i) / 255.0f);
}

TEST_CASE("transforms: normalise", "[data]") {
  const std::vector<float> image = apply(Normalize{{1, 2}, {4, 8}}, 0, ramp());
  CHECK(image.front() == 0.0f);
  CHECK(image[34] == 34.0f / 4);
  CHECK(image[35] == 34.0f / 8);
  CHECK_THROWS_AS(apply(Normalize{{1}, {4}}, 0, ramp()), ShapeError);
  CHECK_THROWS_AS(apply(Normalize{{1, 2}, {4}}, 0, ramp()), ShapeError);
}

TEST_CASE("transforms: normalize_for finds mean and deviation", "[data]") {
  const Dataset dataset{
      .images = Tensor::from(std::vector<uint8_t>{0, 255, 9, 9, 255, 0, 9, 9}, {2, 2, 1, 2}),
      .labels = Tensor::from(std::vector<int64_t>{0, 1}, {2}),
      .classes = 2,
      .name = "",
      .description = ""};
  const Normalize normalize = normalize_for(dataset);
  CHECK(normalize.mean == std::vector<float>{0.5f, 9.0f / 255});
  CHECK(normalize.deviation == std::vector<float>{0.5f, 1.0f});
}

TEST_CASE("transforms: a random crop is a shifted image in a frame", "[data]") {
  const std::vector<float> image = ramp();
  std::set<std::vector<float>> seen;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const std::vector<float> cropped = apply(RandomCrop{.padding = 3, .fill = -1}, seed, image);
    seen.insert(cropped);
    if (seed >= 200) continue;
    bool found = false;
    for (int64_t dy = -3; dy <= 3; ++dy) {
      for (int64_t dx = -3; dx <= 3; ++dx) {
        std::vector<float> shifted(image.size(), -1);
        for (int64_t c = 0; c < channels; ++c)
          for (int64_t y = 0; y < height; ++y)
            for (int64_t x = 0; x < width; ++x)
              if (y + dy >= 0 && y + dy < height && x + dx >= 0 && x + dx < width)
                shifted[size_t((c * height + y) * width + x)] =
                    image[size_t((c * height + y + dy) * width + x + dx)];
        found = found || shifted == cropped;
      }
    }
    CHECK(found);
  }
  CHECK(seen.size() == 49);
  CHECK(apply(RandomCrop{.padding = 0}, 1, image) == image);
  CHECK_NOTHROW(apply(RandomCrop{.padding = 100}, 1, image));
  CHECK_THROWS_AS(apply(RandomCrop{.padding = -1}, 1, image), ValueError);
}

TEST_CASE("transforms: a flip mirrors rows, about half the time", "[data]") {
  const std::vector<float> image = ramp();
  const std::vector<float> flipped = apply(RandomHorizontalFlip{1}, 0, image);
  for (int64_t row = 0; row < channels * height; ++row)
    for (int64_t x = 0; x < width; ++x)
      CHECK(flipped[size_t(row * width + x)] == image[size_t(row * width + width - 1 - x)]);
  CHECK(apply(RandomHorizontalFlip{0}, 0, image) == image);
  int flips = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed)
    flips += apply(RandomHorizontalFlip{}, seed, image) == flipped;
  CHECK((flips > 440 && flips < 560));
}

TEST_CASE("transforms: values are what devices follow", "[data]") {
  const Normalize normalize{{1, 2}, {4, 8}};
  const auto nothing = [](Sample&) {};
  const Transform all =
      compose({RandomCrop{.padding = 3, .fill = -1}, RandomHorizontalFlip{0.25}, normalize});
  const std::optional<ImageSteps> steps = image_steps(all, 2);
  REQUIRE(steps);
  REQUIRE(steps->count == 3);
  CHECK(steps->step[0].kind == ImageStep::Kind::crop);
  CHECK(steps->step[0].padding == 3);
  CHECK(steps->step[0].fill == -1);
  CHECK(steps->step[1].kind == ImageStep::Kind::mirror);
  CHECK(steps->step[1].probability == 0.25);
  CHECK(steps->step[2].kind == ImageStep::Kind::normalize);
  CHECK(steps->step[2].mean[1] == 2);
  CHECK(steps->step[2].deviation[1] == 8);
  CHECK(image_steps(Transform(), 2)->count == 0);

  CHECK_FALSE(image_steps(compose({normalize, nothing}), 2));
  CHECK_FALSE(image_steps(normalize, 3));
  CHECK_FALSE(image_steps(Normalize{{1, 2, 3, 4, 5}, {1, 2, 3, 4, 5}}, 5));
  CHECK_FALSE(image_steps(RandomCrop{.padding = -1}, 2));
  CHECK(image_steps(compose(std::vector<Transform>(8, normalize)), 2));
  CHECK_FALSE(image_steps(compose(std::vector<Transform>(9, normalize)), 2));

  CHECK(Transform(normalize).target<Normalize>()->mean == normalize.mean);
  CHECK(all.target<Normalize>() == nullptr);
  CHECK(Transform().target<Normalize>() == nullptr);
  CHECK_FALSE(Transform());
  CHECK(compose({Transform(), normalize}).target<Normalize>() != nullptr);
}

TEST_CASE("transforms: compose applies them in order", "[data]") {
  const Transform add = [](Sample& s) {
    for (float& x : s.pixels) x += 1;
  };
  const Transform twice = [](Sample& s) {
    for (float& x : s.pixels) x *= 2;
  };
  CHECK(apply(compose({add, twice}), 0, ramp())[0] == 4.0f);
  CHECK(apply(compose({twice, add}), 0, ramp())[0] == 3.0f);
  CHECK(apply(compose({}), 0, ramp()) == ramp());
}
