#include <cmath>
#include <cstring>

#include "core/parallel.hpp"
#include "core/serialize.hpp"
#include "data/synthetic.hpp"
#include "layers/models/lenet5.hpp"
#include "layers/models/mlp.hpp"
#include "optim/make_optimizer.hpp"
#include "optim/trainer.hpp"
#include "regularizers/parse.hpp"
#include "tests/catch.hpp"
#include "tests/optim/weights.hpp"
#include "tests/temporary_folder.hpp"
#include "tests/threads.hpp"

namespace hebb::test {
namespace {

// Two epochs of four steps, with all that is random.
struct Case {
  const char* name;
  const char* optimizer = "adam";
  double dropout = 0.5;
  Transform transform = {};
  EarlyStopping early_stopping = {};
  int threads = 1, threads_after = 1;
};

struct Parts {
  Sequential model;
  std::unique_ptr<Optimizer> optimizer;
  Trainer trainer;

  // A seed of its own, so that nothing can be right by chance.
  Parts(const Case& c, uint64_t seed)
      : model(lenet5({.dropout = c.dropout, .generator = Generator(seed)})),
        optimizer(make_optimizer(c.optimizer, model.parameters(), 1e-3)),
        trainer(model, *optimizer, make_regularizers({"bean:order=1,alpha=10", "l1"}),
                {.epochs = 2,
                 .batch_size = 16,
                 .seed = seed,
                 .schedule = Schedule::parse("cosine:warmup=1"),
                 .early_stopping = c.early_stopping,
                 .transform = c.transform}) {}
};

const Dataset& train_set() {
  static const Dataset data = digits({.samples = 60});
  return data;
}
const Dataset& test_set() {
  static const Dataset data = digits({.samples = 20, .first = 60});
  return data;
}
Splits splits() { return {.train = &train_set(), .validation = &test_set(), .test = &test_set()}; }

// Everything but times.
void check_same(const State& a, const State& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [name, tensor] : a) {
    CAPTURE(name);
    REQUIRE(tensor.shape() == b.at(name).shape());
    if (name.ends_with("seconds")) continue;
    CHECK((tensor.bytes() == 0 ||
           std::memcmp(tensor.data(), b.at(name).data(), tensor.bytes()) == 0));
  }
}

State copy_of(const State& state) {
  State copy;
  for (const auto& [name, tensor] : state) copy[name] = tensor.clone();
  return copy;
}

State state_after(Parts& parts, const State* from) {
  from ? parts.trainer.fit(splits(), *from) : parts.trainer.fit(splits());
  return parts.trainer.state();
}

}  // namespace

TEST_CASE("trainer: goes on from the state of any step with the same bits", "[optim]") {
  const auto crop = [](Sample& sample) { RandomCrop{.padding = 2}(sample); };
  for (const Case& c :
       {Case{"plain"}, Case{.name = "augmented", .transform = crop},
        Case{.name = "nadam", .optimizer = "nadam", .threads = 1, .threads_after = 2},
        Case{.name = "momentum", .optimizer = "sgd:momentum=0.9", .threads = 2},
        Case{.name = "stopping early",
        .early_stopping = {EarlyStopping::Monitor::validation_loss, 1, 0.9}}}) {
    CAPTURE(c.name);
    std::vector<State> states;
    State end;
    {
      const Threads threads(c.threads);
      Parts straight(c, 1);
      const auto keep = [&] { states.push_back(copy_of(straight.trainer.state())); };
      straight.trainer.on_step = [&](int64_t, int64_t) { keep(); };
      straight.trainer.on_epoch = [&](const EpochMetrics&) { keep(); };
      end = copy_of(state_after(straight, nullptr));
    }
    REQUIRE(states.size() == 10);
    const Threads threads(c.threads_after);
    const TemporaryFolder folder;
    for (size_t i = 0; i < states.size(); ++i) {
      CAPTURE(i);
      save_safetensors(folder / "checkpoint", states[i]);
      const State loaded = load_safetensors(folder / "checkpoint").tensors;
      Parts other(c, 2);
      check_same(end, state_after(other, &loaded));
      CHECK(other.trainer.history().size() == 2);
    }
  }
}

TEST_CASE("trainer: a state knows that its run is over", "[optim]") {
  const Case c{.name = "", .early_stopping = {EarlyStopping::Monitor::validation_loss, 1, 0.9}};
  Parts run(c, 1);
  CHECK(run.trainer.history().empty());
  CHECK_THROWS_WITH(run.trainer.state(), ContainsSubstring("once a fit has begun"));
  CHECK(run.trainer.fit(splits()) == Stopped::early);
  const State end = copy_of(run.trainer.state());
  Parts again(c, 2);
  int steps = 0;
  again.trainer.on_step = [&](int64_t, int64_t) { ++steps; };
  CHECK(again.trainer.fit(splits(), end) == Stopped::early);
  CHECK(steps == 0);
  CHECK(again.trainer.history()[1].test->loss == run.trainer.history()[1].test->loss);
  CHECK(again.trainer.history()[1].penalties == run.trainer.history()[1].penalties);
  CHECK(weights_of(again.model) == weights_of(run.model));
}

TEST_CASE("trainer: a state that does not fit is told all at once, and changes nothing",
          "[optim]") {
  const Case c{.name = ""};
  Parts run(c, 1);
  run.trainer.fit(splits());
  const State good = copy_of(run.trainer.state());
  const auto refused = [&](const std::function<void(State&)>& damage,
                           std::initializer_list<const char*> texts) {
    State state = good;
    damage(state);
    Parts other(c, 2);
    const std::vector<float> before = weights_of(other.model);
    try {
      other.trainer.fit(splits(), state);
      FAIL("it was accepted");
    } catch (const ValueError& error) {
      for (const char* text : texts) CHECK_THAT(error.what(), ContainsSubstring(text));
    }
    CHECK(weights_of(other.model) == before);
  };
  refused(
      [](State& state) {
        state.erase("model.fc1.bias");
        state.erase("trainer.dropout");
        state["optimizer.fc1.weight.exp_avg"] = Tensor::zeros({2});
        state["trainer.epoch.sums"] = Tensor::zeros({2}, {.dtype = DType::float64});
        state["other"] = Tensor::zeros({1});
      },
      {"missing model.fc1.bias [120]", "missing trainer.dropout [3]",
       "optimizer.fc1.weight.exp_avg: expected [120, 400], got [2]",
       "trainer.epoch.sums: expected [4], got [2]", "unexpected other"});
  refused([](State& state) { state.clear(); }, {"missing trainer.history.lr [0, 1]"});
  refused(
      [](State& s) {
        s["trainer.history.lr"] = Tensor::zeros({3, 1});
      },
      {"trainer.history.train: expected [3, 2], got [2, 2]"});
  const auto loader = [](int64_t epoch, int64_t batch) {
    return [=](State& s) { s["trainer.loader"] = Tensor::from<int64_t>({1, epoch, batch}, {3}); };
  };
  refused(loader(1, 0), {"expected metrics of 1 epochs before this one, got 2"});
  refused(loader(2, 5), {"batch in [0, 4]"});
  refused(loader(2, -1), {"batch in [0, 4]"});
  refused([](State& s) { s["trainer.epochs_since_best"] = Tensor::from<int64_t>({-1}, {1}); },
          {"epochs_since_best of at least 0, got -1"});
}

}  // namespace hebb::test
