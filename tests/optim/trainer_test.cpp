#include "optim/trainer.hpp"

#include <cmath>

#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/reduce.hpp"
#include "core/ops/softmax.hpp"
#include "core/parallel.hpp"
#include "data/catalog.hpp"
#include "data/synthetic.hpp"
#include "layers/models/lenet5.hpp"
#include "optim/adam.hpp"
#include "optim/clip.hpp"
#include "regularizers/bean.hpp"
#include "tests/catch.hpp"
#include "tests/optim/weights.hpp"
#include "tests/threads.hpp"

namespace hebb::test {
namespace {

const DataPair& digits() {
  static const DataPair data =
      load_dataset("digits", {.digits_train = 600, .digits_test = 300, .digits_seed = 0});
  return data;
}

struct Run {
  std::vector<EpochMetrics> epochs;
  std::vector<float> weights;
  int steps = 0;
  Stopped stopped = Stopped::all_epochs;
  Evaluation test = {};
};

struct RunOptions {
  TrainerOptions trainer = {.epochs = 2, .batch_size = 50, .seed = 3};
  double dropout = 0, lr = 1e-3;
  bool bean = false;
  const Dataset* validation = nullptr;
  int stop_after = 0;
};

Run run(const RunOptions& options) {
  Sequential model = lenet5({.dropout = options.dropout, .generator = Generator(1)});
  Adam optimizer(model.parameters(), AdamOptions{.lr = options.lr});
  std::vector<std::unique_ptr<Regularizer>> regularizers;
  if (options.bean)
    regularizers.push_back(std::make_unique<Bean>(BeanOptions{.order = 1, .alpha = 100}));
  Trainer trainer(model, optimizer, std::move(regularizers), options.trainer);
  Run result;
  trainer.on_epoch = [&](const EpochMetrics& metrics) { result.epochs.push_back(metrics); };
  trainer.on_step = [&](int64_t, int64_t) { ++result.steps; };
  if (options.stop_after > 0)
    trainer.stop_requested = [&] { return result.steps >= options.stop_after; };
  result.stopped = trainer.fit({.train = &digits().train, .validation = options.validation});
  result.weights = weights_of(model);
  result.test = trainer.evaluate(digits().test);
  return result;
}

// What a trainer's steps are to come to.
struct Hand {
  std::vector<int64_t> sizes;  // of the batches
  int64_t epochs = 1;
  std::function<double(int64_t step)> lr = [](int64_t) { return 1e-3; };
  double label_smoothing = 0, clip_norm = 0;
  Transform transform = {}, evaluation = {};
};

// Trains on `data` with a trainer, and step by step without; the two have to agree in every bit.
void check_by_hand(const Dataset& data, TrainerOptions options, const Hand& hand) {
  options.epochs = hand.epochs;
  options.batch_size = 20;
  options.seed = 3;
  Sequential trained = lenet5({.generator = Generator(1)}),
             model = lenet5({.generator = Generator(1)});
  Adam trained_by(trained.parameters(), {.lr = 1e-3}), optimizer(model.parameters(), {.lr = 1e-3});
  Trainer trainer(trained, trained_by, {}, options);
  EpochMetrics last;
  trainer.on_epoch = [&](const EpochMetrics& metrics) { last = metrics; };
  trainer.fit({.train = &data, .test = &data});

  Loader loader(data, {.batch_size = 20, .seed = 3, .prefetch = 0, .transform = hand.transform});
  double loss_sum = 0, images = 0;
  int64_t step = 0;
  const int64_t steps_per_epoch = std::ssize(hand.sizes) / options.epochs;
  for (const int64_t size : hand.sizes) {
    if (step % steps_per_epoch == 0) {
      loader.seek({.seed = 3, .epoch = step / steps_per_epoch, .batch = 0});
      loss_sum = images = 0;
    }
    const Batch batch = *loader.next();
    REQUIRE(batch.size() == size);
    Context context{.training = true};
    const Tensor loss = cross_entropy(model(batch.images, context), batch.labels,
                                      {.label_smoothing = hand.label_smoothing});
    loss.backward();
    if (hand.clip_norm > 0)
      CHECK(clip_grad_norm(model.parameters(), hand.clip_norm).item() > hand.clip_norm);
    optimizer.set_lr(hand.lr(step++));
    optimizer.step();
    optimizer.zero_grad();
    loss_sum += loss.item() * double(size);
    images += double(size);
  }
  CHECK(weights_of(trained) == weights_of(model));
  CHECK(last.train.loss == loss_sum / images);
  CHECK(last.lr == optimizer.lr());

  Loader whole(
      data,
      {.batch_size = data.size(), .shuffle = false, .prefetch = 0, .transform = hand.evaluation});
  const Batch all = *whole.next();
  const Tensor logits = model(all.images);
  CHECK(last.test->loss == cross_entropy(logits, all.labels).item());
  CHECK(last.test->accuracy ==
        count_equal(argmax(logits, 1), all.labels).item() / double(data.size()));
}

}  // namespace

TEST_CASE("trainer: learns, and says so", "[optim]") {
  const Run result = run({.trainer = {.epochs = 8, .batch_size = 20, .seed = 3}, .bean = true});
  REQUIRE(result.epochs.size() == 8);
  CHECK(result.stopped == Stopped::all_epochs);
  CHECK(result.epochs.front().train.loss > result.epochs.back().train.loss);
  CHECK(result.epochs.back().train.accuracy > 0.8);
  CHECK(result.test.accuracy > 0.6);
  CHECK(result.epochs.back().penalties.at(0) > 0);
  CHECK(result.epochs.back().images_per_second > 0);
  CHECK_FALSE(result.epochs.back().validation);
}

TEST_CASE("trainer: one seed gives one result, for any number of threads", "[optim]") {
  const auto weights = [](int threads, uint64_t seed) {
    const Threads scope(threads);
    return run({.trainer = {.epochs = 1, .batch_size = 50, .seed = seed},
                .dropout = 0.5,
                .bean = true})
        .weights;
  };
  const std::vector<float> one = weights(1, 3);
  CHECK(one == weights(1, 3));
  CHECK(one == weights(2, 3));
  CHECK(one == weights(3, 3));
  CHECK(one != weights(1, 4));
}

TEST_CASE("trainer: stops early when nothing gets better", "[optim]") {
  using Monitor = EarlyStopping::Monitor;
  const Dataset validation = digits().test;
  for (const Monitor monitor : {Monitor::train_loss, Monitor::validation_loss}) {
    TrainerOptions options{.epochs = 20, .batch_size = 100, .seed = 3};
    options.early_stopping = {.monitor = monitor, .patience = 2, .min_change = 0.9};
    const Run result = run({.trainer = options, .lr = 1e-6, .validation = &validation});
    CHECK(result.stopped == Stopped::early);
    CHECK(result.epochs.size() == 3);
    CHECK(result.epochs.back().validation);
  }
}

TEST_CASE("trainer: stops after the step in which it is asked to", "[optim]") {
  const Run result = run({.stop_after = 3});
  CHECK(result.stopped == Stopped::requested);
  CHECK(result.steps == 3);  // of the twelve of an epoch
  REQUIRE(result.epochs.size() == 1);
  CHECK(result.epochs[0].train.loss > 2);  // a mean over these steps
}

TEST_CASE("trainer: an evaluation ends where it is asked to", "[optim]") {
  Sequential model = lenet5({.generator = Generator(1)});
  Adam optimizer(model.parameters());
  Trainer trainer(model, optimizer, {}, {.epochs = 3, .evaluation_batch_size = 100});
  const Dataset& test = digits().test;  // three batches
  int asked = 0;
  trainer.stop_requested = [&] { return ++asked == 6 + 2; };
  std::vector<EpochMetrics> epochs;
  trainer.on_epoch = [&](const EpochMetrics& metrics) { epochs.push_back(metrics); };
  CHECK(trainer.fit({.train = &digits().train, .test = &test}) == Stopped::requested);
  REQUIRE(epochs.size() == 1);
  CHECK(epochs[0].train.loss > 0);
  CHECK_FALSE(epochs[0].test);
  asked = 100;
  CHECK(trainer.try_evaluate(test)->loss == trainer.evaluate(test).loss);
}

TEST_CASE("trainer: a loss that is not finite ends the run, and says where", "[optim]") {
  Dataset data = digits().train;
  const auto fit = [&](OnDivergence on_divergence, double lr, double alpha) {
    Sequential model = lenet5({.generator = Generator(1)});
    Adam optimizer(model.parameters(), {.lr = lr});
    Regularizers regularizers;
    regularizers.push_back(std::make_unique<Bean>(BeanOptions{.order = 1, .alpha = alpha}));
    Trainer trainer(model, optimizer, std::move(regularizers),
                    {.epochs = 2, .batch_size = 50, .on_divergence = on_divergence});
    std::vector<double> losses;
    trainer.on_epoch = [&](const EpochMetrics& metrics) { losses.push_back(metrics.train.loss); };
    trainer.fit({.train = &data});
    return losses;
  };
  using enum OnDivergence;
  try {
    fit(stop, 1e30, 1);
    FAIL("nothing was thrown");
  } catch (const DivergenceError& error) {
    CHECK(error.epoch() == 1);
    CHECK(error.step() == 2);  // the first one is by the initial weights
    CHECK_THAT(error.what(), ContainsSubstring("epoch 1, step 2 of 12: try a smaller learning"));
  }
  CHECK_THROWS_AS(fit(stop, 1e-3, 1e300), DivergenceError);  // of the penalty alone
  const std::vector<double> losses = fit(go_on, 1e30, 1);
  REQUIRE(losses.size() == 2);
  CHECK_FALSE(std::isfinite(losses[1]));
}

TEST_CASE("trainer: three steps are the same by hand", "[optim]") {
  const Dataset data = digits().train.subset(random_subset(600, 50, Generator(1)));
  const Schedule cosine = Schedule::parse("cosine:floor=1e-4,warmup=0.5");
  const auto crop = [](Sample& sample) { RandomCrop{.padding = 2}(sample); };
  const Normalize normalize = normalize_for(data);
  const auto check_same = [&](const TrainerOptions& options, const Hand& hand) {
    check_by_hand(data, options, hand);
  };

  SECTION("plain, with a short last batch") { check_same({}, {.sizes = {20, 20, 10}}); }
  SECTION("without the short last batch") {
    check_same({.drop_last = true}, {.sizes = {20, 20, 20, 20}, .epochs = 2});
  }
  SECTION("a schedule") {
    check_same({.schedule = cosine}, {.sizes = {20, 20, 10}, .lr = [&](int64_t step) {
                                        return cosine.lr_at(step, 3, 1e-3, 3);
                                      }});
  }
  SECTION("label smoothing") {
    check_same({.label_smoothing = 0.2}, {.sizes = {20, 20, 10}, .label_smoothing = 0.2});
  }
  SECTION("clipping") { check_same({.clip_norm = 0.1}, {.sizes = {20, 20, 10}, .clip_norm = 0.1}); }
  SECTION("a random transform") {
    check_same({.transform = crop}, {.sizes = {20, 20, 10}, .transform = crop});
  }
  SECTION("normalisation") {
    check_same({.evaluation_transform = normalize},
               {.sizes = {20, 20, 10}, .transform = normalize, .evaluation = normalize});
  }
  SECTION("normalisation after a random transform") {
    check_same(
        {.transform = crop, .evaluation_transform = normalize},
        {.sizes = {20, 20, 10}, .transform = compose({crop, normalize}), .evaluation = normalize});
  }
}

TEST_CASE("trainer: a second fit starts anew, but for the weights", "[optim]") {
  const Dataset data = digits().train.subset(random_subset(600, 50, Generator(1)));
  const TrainerOptions options{
      .epochs = 2, .batch_size = 20, .seed = 3, .schedule = Schedule::parse("cosine:warmup=0.5")};
  struct Fitted {
    std::vector<double> rates;
    std::vector<float> weights;
  };
  // Fits twice, with one trainer or with two.
  const auto fit_twice = [&](bool one_trainer) {
    Sequential model = lenet5({.dropout = 0.5, .generator = Generator(1)});
    Adam optimizer(model.parameters(), {.lr = 1e-3});
    Trainer first(model, optimizer, {}, options), second(model, optimizer, {}, options);
    Fitted fitted;
    for (Trainer* trainer : {&first, one_trainer ? &first : &second}) {
      trainer->on_step = [&](int64_t, int64_t) { fitted.rates.push_back(optimizer.lr()); };
      trainer->fit({.train = &data});
    }
    fitted.weights = weights_of(model);
    return fitted;
  };
  const Fitted one = fit_twice(true), two = fit_twice(false);
  REQUIRE(one.rates.size() == 12);
  CHECK(std::equal(one.rates.begin(), one.rates.begin() + 6, one.rates.begin() + 6));
  CHECK(one.rates[0] != one.rates[5]);
  CHECK(one.rates == two.rates);
  CHECK(one.weights == two.weights);
}

TEST_CASE("trainer: options out of range are ValueErrors", "[optim]") {
  const auto fails = [](TrainerOptions options, const char* text) {
    CHECK_THROWS_WITH(run({.trainer = options}), ContainsSubstring(text));
  };
  fails({.epochs = 0}, "expected at least 1 epoch, got 0");
  fails({.batch_size = 0}, "expected a batch size of at least 1, got 0");
  fails({.clip_norm = -1}, "expected a gradient norm limit of at least 0, got -1");
  fails({.batch_size = 1000, .drop_last = true}, "at least one whole batch of 1000");
  TrainerOptions stopping;
  stopping.early_stopping = {.monitor = EarlyStopping::Monitor::validation_loss};
  fails(stopping, "needs a validation set");
}

TEST_CASE("parts of a batch that are accumulated are the batch, but for rounding", "[optim]") {
  RunOptions options{.dropout = 0.3, .bean = true};
  options.trainer.batch_size = 70;  // 600 = 8 * 70 + 40
  options.trainer.epochs = 1;
  const Run whole = run(options);
  options.trainer.accumulate = 3;
  const Run parts = run(options);
  CHECK(parts.steps == whole.steps);
  CHECK(parts.epochs[0].train.loss == Approx(whole.epochs[0].train.loss).epsilon(1e-3));
  CHECK(parts.epochs[0].penalties[0] == Approx(whole.epochs[0].penalties[0]).epsilon(1e-3));
  // Adam makes steps of one size of gradients of any, rounding errors among them.
  double mean = 0;
  for (size_t i = 0; i < whole.weights.size(); ++i)
    mean += std::abs(parts.weights[i] - whole.weights[i]) / double(whole.weights.size());
  CHECK(mean < 1e-5);
  CHECK_THROWS_AS(run({.trainer = {.accumulate = 0}}), ValueError);
}

}  // namespace hebb::test
