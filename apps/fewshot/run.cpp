#include "apps/fewshot/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/layout.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
#include "core/parallel.hpp"
#include "layers/models/registry.hpp"
#include "optim/adam.hpp"
#include "optim/train_step.hpp"

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

Generator generator_of(const RunKey& key) {
  return Generator(key.seed).split(uint64_t(key.stage)).split(uint64_t(key.draw));
}

Batch to_batch(const Dataset& dataset) {
  Batch batch{Tensor::empty(dataset.images.shape()), dataset.labels};
  to_float(dataset.images.host<uint8_t>(), batch.images.host<float>());
  return batch;
}

Batch to_batch(const Dataset& dataset, const std::vector<int64_t>& indices) {
  return to_batch(dataset.subset(indices));
}

struct Tester {
  bool dropout;
  Generator generator;

  int64_t correct(const Module& model, const Batch& images) {
    constexpr int64_t slice = 100;
    const NoGrad no_grad;
    Context context{.generator = &generator,
                    .dropout = dropout ? Context::Dropout::on : Context::Dropout::off};
    int64_t sum = 0;
    for (int64_t begin = 0; begin < images.size(); begin += slice) {
      const int64_t end = std::min(begin + slice, images.size());
      const Tensor logits = model(images.images.slice(begin, end), context);
      sum += int64_t(count_equal(argmax(logits, 1), images.labels.slice(begin, end)).item());
    }
    return sum;
  }
};

// Cross-entropy and the method's penalty under Adam, a few images at a time.
class Supervised {
 public:
  Supervised(const RunKey& key, const Module& model, const Batch& images, const Draw& draw)
      : model_(model),
        images_(images),
        batch_size_(std::min(key.protocol.batch_size, images.size())),
        order_(draw.order),
        dropout_(draw.dropout),
        adam_(model.parameters(), {.lr = key.method == "vanilla" ? key.value : key.protocol.lr,
                                   .weight_decay = key.method == "weight-decay" ? key.value : 0}) {
    if (auto regularizer =
            make_regularizer(method_named(key.method), key.value, key.protocol.normalisation))
      regularizers_.push_back(std::move(regularizer));
    for (int64_t i = 0; i < images.size(); ++i)
      singles_.push_back({images.images.slice(i, i + 1), images.labels.slice(i, i + 1)});
  }

  void epoch(int64_t number) {
    const std::vector<int64_t> order = order_.split(uint64_t(number)).permutation(images_.size());
    if (batch_size_ == 1) {
      for (const int64_t i : order) step(singles_[size_t(i)]);
      return;
    }
    for (int64_t begin = 0; begin < images_.size(); begin += batch_size_) {
      const int64_t count = std::min(batch_size_, images_.size() - begin);
      const Tensor rows =
          Tensor::from(std::span(order).subspan(size_t(begin), size_t(count)), {count});
      step({gather_rows(images_.images, rows), gather_labels(rows)});
    }
  }

 private:
  Tensor gather_labels(const Tensor& rows) const {
    const Tensor labels = Tensor::empty(rows.shape(), rows.options());
    std::ranges::transform(rows.host<int64_t>(), labels.host<int64_t>().begin(), [&](int64_t row) {
      return images_.labels.host<int64_t>()[size_t(row)];
    });
    return labels;
  }

  void step(const Batch& batch) {
    train_step(model_, adam_, regularizers_, batch, {.generator = &dropout_});
  }

  const Module& model_;
  const Batch& images_;
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

// Leaves in `model` the weights that the protocol tests; false when asked to stop.
bool train(const RunKey& key, Module& model, const Batch& images, const Batch& validation,
           const Draw& draw, Tester tester, const std::function<bool()>& stop_requested,
           RunResult& result) {
  Supervised training(key, model, images, draw);
  const int64_t epochs = key.protocol.epochs_for(key.shots);
  State best;
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    training.epoch(epoch);
    if (stop_requested && stop_requested()) return false;
    if (!validation.images.defined()) continue;
    if (epoch % key.protocol.validation_every != 0 && epoch != epochs) continue;
    const int64_t correct = tester.correct(model, validation);
    if (!best.empty() && correct <= result.validation_correct) continue;
    best = copy_of(model.state());
    result.validation_correct = correct;
    result.epoch = epoch;
  }
  if (best.empty()) {
    result.epoch = epochs;
  } else {
    result.validation_total = validation.size();
    model.load_state(best);
  }
  return true;
}

}  // namespace

std::string RunKey::text() const {
  const Method& method_info = method_named(method);
  std::string text = fmt::format("{} {}-shot {}", dataset, shots, method);
  const auto add = [&](std::string_view name, const auto& setting) {
    text += fmt::format(" {}={}", name, setting);
  };
  if (!method_info.parameter.empty()) add(method_info.parameter, value);
  add("draw", draw);
  add("seed", seed);
  if (stage == Stage::tune) add("stage", "tune");
  if (method == "imitation" || method == "gaussian-process") {
    text += imitation.text(method == "imitation");
    if (method == "imitation") add("init", protocol.init);
    return text;
  }
  if (method != "vanilla") add("lr", protocol.lr);
  add("batch-size", protocol.batch_size);
  add("epochs", protocol.epochs_for(shots));
  add("init", protocol.init);
  if (method_info.is_bean()) add("normalisation", name_of(protocol.normalisation));
  if (method == "dropout") add("dropout-at-test", protocol.dropout_at_test);
  if (protocol.checkpoint == Checkpoint::best_validation) {
    add("checkpoint", name_of(protocol.checkpoint));
    add("validation-set", name_of(protocol.validation_set));
    add("validation-images", protocol.validation_images);
    add("validation-every", protocol.validation_every);
  }
  return text;
}

RunData::RunData(DataPair pair) : train(std::move(pair.train)), test(to_batch(pair.test)) {}

Draw::Draw(const Dataset& dataset, const RunKey& key) {
  const Generator generator = generator_of(key);
  weights = generator.split(initial_weights);
  order = generator.split(order_of_images);
  dropout = generator.split(dropout_masks);
  test_dropout = generator.split(dropout_masks_at_test);
  imitation = generator.split(pseudo_examples);

  const bool tuning = key.stage == Stage::tune;
  const int64_t boundary = dataset.size() * 5 / 6;
  const int64_t first = tuning ? boundary : 0, last = tuning ? dataset.size() : boundary;
  train = few_shot(dataset, generator.fork(training_images),
                   {.shots = key.shots, .first = first, .last = last});
  const bool watches = key.protocol.checkpoint == Checkpoint::best_validation;
  const int64_t wanted = watches ? key.protocol.validation_images : 0;
  Generator validation_order = generator.split(validation_images);
  if (watches && !tuning && key.protocol.validation_set == ValidationSet::overlapping) {
    validation = random_subset(dataset.size(), wanted, generator.fork(validation_images));
    return;
  }
  if (!watches && !tuning) return;
  std::vector<bool> taken(size_t(last - first));
  for (const int64_t i : train) taken[size_t(i - first)] = true;
  for (const int64_t i : validation_order.permutation(last - first)) {
    if (taken[size_t(i)]) continue;
    if (std::ssize(validation) < wanted)
      validation.push_back(first + i);
    else if (tuning)
      held_out.push_back(first + i);
    else
      break;
  }
  check(std::ssize(validation) == wanted && (!tuning || !held_out.empty()),
        "[few_shot] expected more than {} images beside the draw's, got {}", wanted,
        last - first - std::ssize(train));
}

std::optional<RunResult> run_once(const RunKey& key, const RunData& data,
                                  const std::function<bool()>& stop_requested) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  const SerialScope serial;
  const Draw draw(data.train, key);
  const Batch images = to_batch(data.train, draw.train);
  const Batch held_out = draw.held_out.empty() ? Batch() : to_batch(data.train, draw.held_out);
  const Batch& tested = key.stage == Stage::tune ? held_out : data.test;
  RunResult result{.total = tested.size()};

  if (key.method == "gaussian-process") {
    const ReferenceModel reference(images, data.train.classes, key.imitation, draw.imitation);
    result.correct = reference.correct(tested);
  } else {
    const std::unique_ptr<Module> model =
        make_model("lenet5", {.input = data.train.images.shape().without(0),
                              .classes = data.train.classes,
                              .dropout = key.method == "dropout" ? key.value : 0,
                              .init = Initializer::parse(key.protocol.init),
                              .generator = draw.weights});
    Tester tester{key.protocol.dropout_at_test, draw.test_dropout};
    if (key.method == "imitation") {
      if (!imitate(*model, images, data.train.classes, key.value, key.imitation, draw.imitation,
                   stop_requested))
        return std::nullopt;
    } else {
      const Batch validation =
          draw.validation.empty() ? Batch() : to_batch(data.train, draw.validation);
      if (!train(key, *model, images, validation, draw, tester, stop_requested, result))
        return std::nullopt;
    }
    result.correct = tester.correct(*model, tested);
  }
  result.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return result;
}

}  // namespace hebb::apps
