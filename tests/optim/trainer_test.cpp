#include "optim/trainer.hpp"

#include "core/autograd.hpp"
#include "core/ops/elementwise.hpp"
#include "core/parallel.hpp"
#include "data/catalog.hpp"
#include "data/synthetic.hpp"
#include "layers/models/lenet5.hpp"
#include "optim/adam.hpp"
#include "regularizers/bean.hpp"
#include "tests/catch.hpp"
#include "tests/optim/weights.hpp"

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

class Threads {
 public:
  explicit Threads(int n) : previous_(num_threads()) { set_num_threads(n); }
  ~Threads() { set_num_threads(previous_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int previous_;
};

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

}  // namespace hebb::test
