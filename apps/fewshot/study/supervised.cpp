#include "apps/fewshot/study/supervised.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "apps/fewshot/study/batches.hpp"
#include "apps/fewshot/study/network.hpp"
#include "optim/adam.hpp"
#include "optim/train_step.hpp"

namespace hebb::apps {
namespace {

// Goes through a draw's images in the order that follows from the draw, a few at a time.
class Supervision {
 public:
  Supervision(Recipe recipe, const Task& task, const Module& network)
      : network_(network),
        images_(task.images),
        device_(task.key.device),
        batch_size_(std::min(task.key.protocol.batch_size, task.images.size())),
        order_(task.draw.order),
        dropout_(task.draw.dropout),
        regularizers_(std::move(recipe.regularizers)),
        adam_(network.parameters(), {.lr = recipe.lr, .weight_decay = recipe.weight_decay}) {
    if (batch_size_ > 1) return;
    const Batch resident = moved(images_, device_);
    for (int64_t i = 0; i < images_.size(); ++i)
      singles_.push_back({resident.images.slice(i, i + 1), resident.labels.slice(i, i + 1)});
  }

  void epoch(int64_t number) {
    const std::vector<int64_t> order = order_.split(uint64_t(number)).permutation(images_.size());
    if (batch_size_ == 1) {
      for (const int64_t i : order) step(singles_[size_t(i)]);
      return;
    }
    for (int64_t begin = 0; begin < images_.size(); begin += batch_size_) {
      const int64_t count = std::min(batch_size_, images_.size() - begin);
      step(
          moved(rows_of(images_, std::span(order).subspan(size_t(begin), size_t(count))), device_));
    }
  }

 private:
  void step(const Batch& batch) {
    train_step(network_, adam_, regularizers_, batch, {.generator = &dropout_});
  }

  const Module& network_;
  const Batch& images_;
  Device device_;
  int64_t batch_size_;
  Generator order_, dropout_;
  Regularizers regularizers_;
  Adam adam_;
  std::vector<Batch> singles_;
};

State copy_of(const State& state) {
  State copy;
  for (const auto& [name, tensor] : state) copy[name] = tensor.clone();
  return copy;
}

// The weights that did best on the validation set so far: the first of equals.
class BestCheckpoint {
 public:
  explicit BestCheckpoint(const Task& task) : protocol_(task.key.protocol), tester_(task) {
    if (!task.draw.validation.empty()) images_ = to_batch(task.dataset, task.draw.validation);
  }

  void look(const Module& network, int64_t epoch, bool last) {
    if (!images_.images.defined()) return;
    if (epoch % protocol_.validation_every != 0 && !last) return;
    const int64_t correct = tester_.correct(network, images_);
    if (!weights_.empty() && correct <= correct_) return;
    weights_ = copy_of(network.state());
    correct_ = correct;
    epoch_ = epoch;
  }

  // Leaves the network as it is where nothing was looked at.
  void restore(Module& network, RunResult& result) const {
    if (weights_.empty()) return;
    network.load_state(weights_);
    result.epoch = epoch_;
    result.validation_correct = correct_;
    result.validation_total = images_.size();
  }

 private:
  const Protocol& protocol_;
  Tester tester_;
  Batch images_;
  State weights_;
  int64_t correct_ = 0, epoch_ = 0;
};

std::optional<RunResult> train_and_test(Recipe recipe, const Task& task) {
  const std::unique_ptr<Module> network = make_network(task, recipe.dropout);
  BestCheckpoint best(task);
  Supervision supervision(std::move(recipe), task, *network);
  const int64_t epochs = task.key.protocol.epochs_for(task.key.shots);
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    supervision.epoch(epoch);
    if (task.stopped()) return std::nullopt;
    best.look(*network, epoch, epoch == epochs);
  }
  RunResult result{.epoch = epochs};
  best.restore(*network, result);
  result.correct = Tester(task).correct(*network, task.tested);
  return result;
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

Method supervised(Method method, MakeRecipe make_recipe, Concerns concerns) {
  method.settings = [normalized = method.has_normalization(), concerns](const RunKey& key) {
    return settings_of(key, normalized, concerns);
  };
  method.run = [make_recipe = std::move(make_recipe)](const Task& task) {
    return train_and_test(make_recipe(task.key.value, task.key.protocol), task);
  };
  return method;
}

}  // namespace hebb::apps
