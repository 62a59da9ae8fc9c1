#include "data/dataset.hpp"

#include <algorithm>
#include <set>

#include "data/few_shot.hpp"
#include "tests/data/support.hpp"

using namespace hebb;
using namespace hebb::test;

TEST_CASE("dataset: subset and concatenate", "[data]") {
  const Dataset dataset = numbered_dataset(50, 2, 3, 4);
  const std::vector<int64_t> indices = {49, 3, 3, 0};
  const Dataset part = dataset.subset(indices);
  REQUIRE(part.images.shape() == Shape{4, 2, 3, 4});
  for (size_t i = 0; i < indices.size(); ++i) {
    CHECK(part.images.host<uint8_t>()[i * 24] == indices[i]);
    CHECK(part.labels.host<int64_t>()[i] == indices[i] % 10);
  }
  CHECK_THROWS_AS(dataset.subset(std::vector<int64_t>{50}), ValueError);
  CHECK_THROWS_AS(dataset.subset(std::vector<int64_t>{-1}), ValueError);

  const std::vector<Dataset> parts = {part, dataset};
  const Dataset whole = concatenate(parts);
  CHECK(whole.size() == 54);
  CHECK(whole.images.host<uint8_t>()[0] == 49);
  CHECK(whole.images.host<uint8_t>()[24 * 5] == 1);
  CHECK(whole.labels.host<int64_t>()[53] == 9);
  CHECK_THROWS_AS(concatenate(std::vector<Dataset>{part, numbered_dataset(3, 1, 3, 4)}),
                  ShapeError);
  CHECK_THROWS_AS(concatenate({}), ValueError);
}

TEST_CASE("dataset: what does not fit is refused", "[data]") {
  Dataset dataset = numbered_dataset(20, 1, 2, 2);
  CHECK_NOTHROW(check_dataset(dataset));
  CHECK(dataset.class_counts() == std::vector<int64_t>(10, 2));
  dataset.classes = 9;
  CHECK(contains(message_of<ValueError>([&] { check_dataset(dataset); }), "got 9 for sample 9"));
  dataset.classes = 10;
  dataset.labels = dataset.labels.slice(0, 19);
  CHECK_THROWS_AS(check_dataset(dataset), ShapeError);
  dataset.labels = dataset.images;
  CHECK_THROWS_AS(check_dataset(dataset), DTypeError);
  CHECK_THROWS_AS(check_dataset({}), DTypeError);
}

TEST_CASE("dataset: the validation split is disjoint, complete and seeded", "[data]") {
  const Split split = validation_split(1000, 137, Generator(5));
  CHECK(split.validation.size() == 137);
  std::set<int64_t> all(split.train.begin(), split.train.end());
  all.insert(split.validation.begin(), split.validation.end());
  CHECK(split.train.size() == 863);
  CHECK(all.size() == 1000);
  CHECK(*all.begin() == 0);
  CHECK(*all.rbegin() == 999);
  CHECK(std::ranges::is_sorted(split.train));
  CHECK(validation_split(1000, 137, Generator(5)).validation == split.validation);
  CHECK(validation_split(1000, 137, Generator(6)).validation != split.validation);
  CHECK(validation_split(10, 0, Generator(1)).train.size() == 10);
  CHECK(validation_split(10, 10, Generator(1)).train.empty());
  CHECK_THROWS_AS(validation_split(10, 11, Generator(1)), ValueError);
  CHECK_THROWS_AS(validation_split(10, -1, Generator(1)), ValueError);
}

TEST_CASE("dataset: random subsets grow at the end", "[data]") {
  const std::vector<int64_t> few = random_subset(500, 20, Generator(3)),
                             more = random_subset(500, 40, Generator(3));
  CHECK(std::ranges::equal(few, std::span(more).first(20)));
  CHECK(std::set<int64_t>(more.begin(), more.end()).size() == 40);
}

TEST_CASE("few-shot: draws are balanced, inside the range, without repetition", "[data]") {
  const Dataset dataset = numbered_dataset(1000, 1, 2, 2);
  const FewShotOptions options{.shots = 7, .first = 200, .last = 700};
  const std::vector<int64_t> draw = few_shot(dataset, Generator(11), options);
  CHECK(draw.size() == 70);
  CHECK(std::set<int64_t>(draw.begin(), draw.end()).size() == 70);
  for (const int64_t i : draw) CHECK((i >= 200 && i < 700));
  CHECK(dataset.subset(draw).class_counts() == std::vector<int64_t>(10, 7));
  CHECK(few_shot(dataset, Generator(11), options) == draw);
  CHECK(few_shot(dataset, Generator(12), options) != draw);

  // Fewer shots of the same generator are a part of the draw: the first ones of each class.
  FewShotOptions fewer = options;
  fewer.shots = 3;
  const std::vector<int64_t> part = few_shot(dataset, Generator(11), fewer);
  for (size_t c = 0; c < 10; ++c)
    for (size_t i = 0; i < 3; ++i) CHECK(part[3 * c + i] == draw[7 * c + i]);
}

TEST_CASE("few-shot: what cannot be drawn", "[data]") {
  const Generator generator(0);
  const Dataset dataset = numbered_dataset(100, 1, 2, 2);
  CHECK(few_shot(dataset, generator, {.shots = 10}).size() == 100);
  CHECK(contains(message_of<ValueError>([&] { few_shot(dataset, generator, {.shots = 11}); }),
                 "expected at least 11 samples of class 0 in [0, 100), got 10"));
  CHECK_THROWS_AS(few_shot(dataset, generator, {.shots = 0}), ValueError);
  CHECK_THROWS_AS(few_shot(dataset, generator, {.shots = 1, .first = 0, .last = 101}), ValueError);
  CHECK_THROWS_AS(few_shot(dataset, generator, {.shots = 1, .first = -1}), ValueError);
}
