#include "apps/fewshot/study/supervised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <list>
#include <map>

#include "apps/fewshot/study/batches.hpp"
#include "apps/fewshot/study/network.hpp"
#include "core/ops/images.hpp"
#include "core/ops/record_step.hpp"
#include "optim/adam.hpp"
#include "optim/recorded_steps.hpp"
#include "optim/train_step.hpp"

namespace hebb::apps {
namespace {

template <class Value>
bool all_equal(std::span<const Recipe> recipes, Value Recipe::*value) {
  return std::ranges::all_of(
      recipes, [&](const Recipe& recipe) { return recipe.*value == recipes[0].*value; });
}

// Where the recipes differ, each replica's rates are all in its scales.
Adam make_adam(std::span<const Recipe> recipes, const Module& network) {
  if (all_equal(recipes, &Recipe::lr) && all_equal(recipes, &Recipe::weight_decay))
    return Adam(network.parameters(),
                {.lr = recipes[0].lr, .weight_decay = recipes[0].weight_decay});
  std::vector<ParameterGroup> groups;
  for (size_t r = 0; r < recipes.size(); ++r)
    groups.push_back({.pattern = "*",
                      .lr_scale = recipes[r].lr,
                      .weight_decay_scale = recipes[r].weight_decay,
                      .replica = int64_t(r)});
  return Adam(network.parameters(), {.lr = 1, .weight_decay = 1}, groups);
}

std::vector<Generator> dropout_of(std::span<const Task> tasks) {
  std::vector<Generator> dropout;
  for (const Task& task : tasks) dropout.push_back(task.draw.dropout);
  return dropout;
}

// Goes through the images of a draw in the order that follows from the draw, a few at a time; or of
// several draws, each in its own. What tells a step from the one before is on the device, where it
// may be repeated.
class Supervision {
 public:
  Supervision(std::span<const Recipe> recipes, Regularizers regularizers,
              std::span<const Task> tasks, const Module& network)
      : network_(network),
        count_(tasks[0].images.size()),
        batch_size_(std::min(tasks[0].key.protocol.batch_size, count_)),
        dropout_(dropout_of(tasks)),
        draws_(tasks[0].key.device, dropout_),
        regularizers_(std::move(regularizers)),
        adam_(make_adam(recipes, network)) {
    const Device device = draws_.device();
    const Shape image = tasks[0].dataset.images.shape().without(0);
    const int64_t all = std::ssize(tasks) * count_;
    images_ = Tensor::empty(image.inserted(0, all), {.dtype = DType::uint8});
    labels_ = Tensor::empty({all}, {.dtype = DType::int64});
    for (size_t r = 0; r < tasks.size(); ++r) {
      const Dataset own = tasks[r].dataset.subset(tasks[r].draw.train);
      images_.view(own.images.shape(), int64_t(r) * own.images.numel()).copy_from(own.images);
      labels_.view({count_}, int64_t(r) * count_).copy_from(own.labels);
      orders_.push_back(tasks[r].draw.order);
    }
    images_ = images_.to(device);
    labels_ = labels_.to(device);
    order_ = Tensor::empty({all}, {DType::int64, device});
    cursor_ = Tensor::zeros({3}, {DType::int64, device});
    add_step(batch_size_);
    if (count_ % batch_size_ > 0) add_step(count_ % batch_size_);
  }

  void epoch(int64_t number) {
    order_.copy_from(Tensor::from(rows_of(number), order_.shape()));
    cursor_.fill(0);
    for (int64_t left = count_; left > 0; left -= batch_size_)
      (left < batch_size_ ? steps_.back() : steps_.front()).run();
  }

 private:
  // Of so many images of each draw.
  void add_step(int64_t size) {
    const int64_t replicas = network_.replicas(), rows = std::ssize(orders_) * size;
    const Batch samples{Tensor::empty(images_.shape().with(0, rows), {.device = draws_.device()}),
                        Tensor::empty({rows}, labels_.options())};
    Batch batch = samples;
    if (replicas > 0) {
      batch.images = samples.images.reshape(images_.shape().with(0, size).inserted(0, replicas));
      batch.labels = samples.labels.reshape({replicas, size});
    }
    steps_.emplace_back(draws_, [this, samples, batch] {
      make_batch_at(cursor_, images_, labels_, order_, {}, samples.images, samples.labels);
      advance(cursor_.view({1}, 0), samples.size());
      train_step(network_, adam_, regularizers_, batch,
                 {.generator = dropout_.data(), .generators = dropout_});
    });
  }

  // All images of an epoch as its steps take them: the first batch of each draw, the second, ...
  std::vector<int64_t> rows_of(int64_t number) const {
    std::vector<std::vector<int64_t>> orders;
    for (const Generator& order : orders_)
      orders.push_back(order.split(uint64_t(number)).permutation(count_));
    std::vector<int64_t> rows;
    for (int64_t begin = 0; begin < count_; begin += batch_size_)
      for (size_t r = 0; r < orders.size(); ++r)
        for (int64_t i = begin; i < std::min(begin + batch_size_, count_); ++i)
          rows.push_back(int64_t(r) * count_ + orders[r][size_t(i)]);
    return rows;
  }

  const Module& network_;
  int64_t count_, batch_size_;  // of each draw
  Tensor images_, labels_;      // of one draw after the other
  std::vector<Generator> orders_, dropout_;
  DeviceDraws draws_;
  Tensor order_, cursor_;  // of the epoch under way
  Regularizers regularizers_;
  Adam adam_;
  std::list<RecordedStep> steps_;  // over whole batches, and over what is left
};

State copy_of(const State& state) {
  State copy;
  for (const auto& [name, tensor] : state) copy[name] = tensor.clone();
  return copy;
}

// The weights that did best on the validation set so far: the first of equals. Each task's own.
class BestCheckpoint {
 public:
  explicit BestCheckpoint(std::span<const Task> tasks)
      : protocol_(tasks[0].key.protocol), tester_(tasks), best_(tasks.size()) {
    for (const Task& task : tasks) {
      if (task.draw.validation.empty()) continue;
      Batch& images = of_draw_[&task.draw];
      if (!images.images.defined()) images = to_batch(task.dataset, task.draw.validation);
      images_.push_back(&images);
    }
  }

  void look(const Module& network, int64_t epoch, bool last) {
    if (images_.empty()) return;
    if (epoch % protocol_.validation_every != 0 && !last) return;
    const std::vector<int64_t> correct = tester_.correct(network, images_);
    for (size_t task = 0; task < best_.size(); ++task) {
      Best& best = best_[task];
      if (best.weights.empty() || correct[task] > best.correct)
        best = {copy_of(state_of(network, task)), correct[task], epoch};
    }
  }

  // Leaves the network as it is where nothing was looked at.
  void restore(const Module& network, std::span<RunResult> results) const {
    if (images_.empty()) return;
    for (size_t task = 0; task < best_.size(); ++task) {
      const Best& best = best_[task];
      copy_state(state_of(network, task), best.weights, "few_shot");
      results[task].epoch = best.epoch;
      results[task].validation_correct = best.correct;
      results[task].validation_total = images_[task]->size();
    }
  }

 private:
  struct Best {
    State weights;
    int64_t correct = 0, epoch = 0;
  };
  const Protocol& protocol_;
  Tester tester_;
  std::map<const Draw*, Batch> of_draw_;
  std::vector<const Batch*> images_;  // of each task
  std::vector<Best> best_;
};

Regularizers make_regularizers(std::span<const Recipe> recipes, const MakePenalty& make_penalty,
                               const RunKey& key) {
  Regularizers regularizers;
  if (!make_penalty) return regularizers;
  Tensor strengths;
  if (!all_equal(recipes, &Recipe::strength)) {
    std::vector<double> each;
    for (const Recipe& recipe : recipes) each.push_back(recipe.strength);
    strengths = Tensor::from(each, {std::ssize(each)}).to(key.device);
  }
  regularizers.push_back(make_penalty(recipes[0].strength, strengths, key.protocol));
  return regularizers;
}

// Of each task; several are replicas of one network.
std::optional<std::vector<RunResult>> train_and_test(std::span<const Recipe> recipes,
                                                     const MakePenalty& make_penalty,
                                                     std::span<const Task> tasks) {
  std::vector<double> dropout;
  for (const Recipe& recipe : recipes) dropout.push_back(recipe.dropout);
  const std::unique_ptr<Module> network = make_network(tasks, dropout);
  BestCheckpoint best(tasks);
  Supervision supervision(recipes, make_regularizers(recipes, make_penalty, tasks[0].key), tasks,
                          *network);
  const RunKey& key = tasks[0].key;
  const int64_t epochs = key.protocol.epochs_for(key.shots);
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    supervision.epoch(epoch);
    if (tasks[0].stopped()) return std::nullopt;
    best.look(*network, epoch, epoch == epochs);
  }
  std::vector<RunResult> results(tasks.size(), {.epoch = epochs});
  best.restore(*network, results);
  const std::vector<int64_t> correct = Tester(tasks).correct(*network, tested_by(tasks));
  for (size_t task = 0; task < results.size(); ++task) results[task].correct = correct[task];
  return results;
}

std::string settings_of(const RunKey& key, bool normalized, Concerns concerns) {
  const Protocol& p = key.protocol;
  std::string text;
  if (concerns.lr) text += fmt::format(" lr={}", p.lr);
  text += fmt::format(" batch-size={} epochs={} init={}", p.batch_size, p.epochs_for(key.shots),
                      p.init);
  if (normalized)
    text += fmt::format(" normalisation={}", known_normalizations().name_of(p.normalization));
  if (concerns.dropout_at_test) text += fmt::format(" dropout-at-test={}", p.dropout_at_test);
  if (p.checkpoint == Checkpoint::best_validation)
    text += fmt::format(" checkpoint={} validation-set={} validation-images={} validation-every={}",
                        known_checkpoints().name_of(p.checkpoint),
                        known_validation_sets().name_of(p.validation_set), p.validation_images,
                        p.validation_every);
  return text;
}

}  // namespace

Method supervised(Method method, MakeRecipe make_recipe, Concerns concerns,
                  MakePenalty make_penalty) {
  method.settings = [normalized = method.has_normalization(), concerns](const RunKey& key) {
    return settings_of(key, normalized, concerns);
  };
  method.run_together = [make_recipe = std::move(make_recipe),
                         make_penalty = std::move(make_penalty)](std::span<const Task> tasks) {
    std::vector<Recipe> recipes;
    for (const Task& task : tasks)
      recipes.push_back(make_recipe(task.key.value, task.key.protocol));
    return train_and_test(recipes, make_penalty, tasks);
  };
  method.run = [run = method.run_together](const Task& task) -> std::optional<RunResult> {
    const auto results = run({&task, 1});
    return results ? std::optional(results->front()) : std::nullopt;
  };
  return method;
}

}  // namespace hebb::apps
