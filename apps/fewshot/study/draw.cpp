#include "apps/fewshot/study/draw.hpp"

#include "core/check.hpp"
#include "data/few_shot.hpp"

namespace hebb::apps {
namespace {

// What the random numbers of a draw are for.
enum Purpose : uint64_t {
  training_images,
  validation_images,
  initial_weights,
  order_of_images,
  dropout_masks,
  dropout_masks_at_test,
  pseudo_examples
};

// The training images that a stage draws from: [first, last).
struct Pool {
  int64_t first, last;
  int64_t size() const { return last - first; }
};

Pool pool_of(Stage stage, const Dataset& dataset) {
  const int64_t boundary = dataset.size() * 5 / 6;
  return stage == Stage::tune ? Pool{boundary, dataset.size()} : Pool{0, boundary};
}

// The images of a pool that are not in `taken`, in random order.
std::vector<int64_t> others(const Pool& pool, const std::vector<int64_t>& taken,
                            Generator generator) {
  std::vector<bool> is_taken(size_t(pool.size()));
  for (const int64_t i : taken) is_taken[size_t(i - pool.first)] = true;
  std::vector<int64_t> left;
  for (const int64_t i : generator.permutation(pool.size()))
    if (!is_taken[size_t(i)]) left.push_back(pool.first + i);
  return left;
}

}  // namespace

Draw::Draw(const Dataset& dataset, const RunKey& key) {
  const Generator generator =
      Generator(key.seed).split(uint64_t(key.stage)).split(uint64_t(key.draw));
  weights = generator.split(initial_weights);
  order = generator.split(order_of_images);
  dropout = generator.split(dropout_masks);
  test_dropout = generator.split(dropout_masks_at_test);
  imitation = generator.split(pseudo_examples);

  const bool tuning = key.stage == Stage::tune;
  const Pool pool = pool_of(key.stage, dataset);
  train = few_shot(dataset, generator.fork(training_images),
                   {.shots = key.shots, .first = pool.first, .last = pool.last});
  const bool watches = key.protocol.checkpoint == Checkpoint::best_validation;
  const int64_t wanted = watches ? key.protocol.validation_images : 0;
  if (watches && !tuning && key.protocol.validation_set == ValidationSet::overlapping) {
    validation = random_subset(dataset.size(), wanted, generator.fork(validation_images));
    return;
  }
  if (!watches && !tuning) return;
  const std::vector<int64_t> beside = others(pool, train, generator.split(validation_images));
  const int64_t least = wanted + (tuning ? 1 : 0);
  check(least <= std::ssize(beside),
        "[few_shot] expected at least {} images beside the draw's, got {}", least, beside.size());
  validation.assign(beside.begin(), beside.begin() + wanted);
  if (tuning) held_out.assign(beside.begin() + wanted, beside.end());
}

}  // namespace hebb::apps
