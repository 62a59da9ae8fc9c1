#include "apps/fewshot/study/supervised.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/fewshot/study/batches.hpp"
#include "apps/fewshot/study/network.hpp"
#include "core/ops/layout.hpp"
#include "optim/adam.hpp"
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

// Goes through the images of a draw in the order that follows from the draw, a few at a time; or of
// several draws, each in its own.
class Supervision {
 public:
  Supervision(std::span<const Recipe> recipes, Regularizers regularizers,
              std::span<const Task> tasks, const Module& network)
      : network_(network),
        device_(tasks[0].key.device),
        count_(tasks[0].images.size()),
        batch_size_(std::min(tasks[0].key.protocol.batch_size, count_)),
        regularizers_(std::move(regularizers)),
        adam_(make_adam(recipes, network)) {
    const Shape one = tasks[0].images.images.shape().without(0);
    images_ = Tensor::empty(one.inserted(0, std::ssize(tasks) * count_));
    for (size_t r = 0; r < tasks.size(); ++r) {
      const Batch& own = tasks[r].images;
      images_.view(own.images.shape(), int64_t(r) * own.images.numel()).copy_from(own.images);
      const auto labels = own.labels.host<int64_t>();
      labels_.insert(labels_.end(), labels.begin(), labels.end());
      orders_.push_back(tasks[r].draw.order);
      dropout_.push_back(tasks[r].draw.dropout);
    }
    images_ = images_.to(device_);
  }

  void epoch(int64_t number) {
    const Batch all = in_order(number);
    const int64_t replicas = std::ssize(orders_);
    for (int64_t begin = 0; begin < count_; begin += batch_size_) {
      const int64_t end = std::min(begin + batch_size_, count_);
      Batch batch{all.images.slice(replicas * begin, replicas * end),
                  all.labels.slice(replicas * begin, replicas * end)};
      if (network_.replicas() > 0) {
        batch.images =
            batch.images.reshape(images_.shape().with(0, end - begin).inserted(0, replicas));
        batch.labels = batch.labels.reshape({replicas, end - begin});
      }
      train_step(network_, adam_, regularizers_, batch,
                 {.generator = dropout_.data(), .generators = dropout_});
    }
  }

 private:
  // All images of an epoch as its steps take them: the first batch of each draw, the second, ...
  Batch in_order(int64_t number) const {
    std::vector<std::vector<int64_t>> orders;
    for (const Generator& order : orders_)
      orders.push_back(order.split(uint64_t(number)).permutation(count_));
    std::vector<int64_t> rows, labels;
    for (int64_t begin = 0; begin < count_; begin += batch_size_)
      for (size_t r = 0; r < orders.size(); ++r)
        for (int64_t i = begin; i < std::min(begin + batch_size_, count_); ++i) {
          rows.push_back(int64_t(r) * count_ + orders[r][size_t(i)]);
          labels.push_back(labels_[size_t(rows.back())]);
        }
    const Shape shape{std::ssize(rows)};
    return {gather_rows(images_, Tensor::from(rows, shape, device_)),
            Tensor::from(labels, shape, device_)};
  }

  const Module& network_;
  Device device_;
  int64_t count_, batch_size_;
  Tensor images_;                // of one draw after the other
  std::vector<int64_t> labels_;  // theirs
  std::vector<Generator> orders_, dropout_;
  Regularizers regularizers_;
  Adam adam_;
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
