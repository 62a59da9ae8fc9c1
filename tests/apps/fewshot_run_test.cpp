#include <set>

#include "apps/fewshot/run.hpp"
#include "apps/fewshot/tuning.hpp"
#include "core/parallel.hpp"
#include "core/storage.hpp"
#include "layers/models/registry.hpp"
#include "tests/apps/fewshot_support.hpp"

namespace hebb::apps {
namespace {

using test::few_digits;
using test::same;
using test::short_run;

bool same_state(const Generator& a, const Generator& b) { return a.state() == b.state(); }

template <class A, class B>
bool disjoint(const A& a, const B& b) {
  const std::set<int64_t> set(a.begin(), a.end());
  return std::none_of(b.begin(), b.end(), [&](int64_t i) { return set.contains(i); });
}

TEST_CASE("A draw is the same for every method and strength", "[apps]") {
  const Dataset& train = few_digits().train;
  const Draw first(train, short_run("vanilla", 2));
  REQUIRE(first.train.size() == 20);
  for (const Method& method : methods()) {
    RunKey key = short_run(std::string(method.name), 2);
    key.value *= 3;
    key.protocol.normalisation = Normalisation::published_code;
    const Draw draw(train, key);
    CHECK(draw.train == first.train);
    CHECK(same_state(draw.weights, first.weights));
    CHECK(same_state(draw.order, first.order));
    CHECK(same_state(draw.dropout, first.dropout));
  }
  RunKey other = short_run("vanilla", 2);
  other.draw = 1;
  const Draw second(train, other);
  CHECK(second.train != first.train);
  CHECK(!same_state(second.weights, first.weights));

  // Few shots are a part of more, and every class has as many.
  const Draw more(train, short_run("vanilla", 5));
  for (const int64_t i : first.train) CHECK(std::ranges::find(more.train, i) != more.train.end());
  const std::vector<int64_t> counts = train.subset(more.train).class_counts();
  CHECK(counts == std::vector<int64_t>(10, 5));
}

TEST_CASE("Methods with no effect train as vanilla does", "[apps]") {
  const RunResult vanilla = *run_once(short_run("vanilla"), few_digits());
  for (const char* method : {"dropout", "weight-decay", "l1", "bean-1", "bean-2"}) {
    RunKey key = short_run(method);
    key.value = 0;
    INFO(method);
    CHECK(same(*run_once(key, few_digits()), vanilla));
  }
}

TEST_CASE("A run is the same bits on any thread", "[apps]") {
  for (const Method& method : methods()) {
    RunKey key = short_run(std::string(method.name), 2);
    key.protocol.dropout_at_test = true;
    key.protocol.batch_size = method.name == "bean-1" ? 3 : 1;
    const RunResult alone = *run_once(key, few_digits());
    CHECK(alone.total == 200);
    CHECK(alone.correct > 10);
    std::vector<RunResult> results(4);
    parallel_for(4, 1,
                 [&](int64_t i, int64_t) { results[size_t(i)] = *run_once(key, few_digits()); });
    INFO(method.name);
    for (const RunResult& result : results) CHECK(same(result, alone));
  }
}

TEST_CASE("Tuning and reports share no image", "[apps]") {
  const Dataset& train = few_digits().train;
  std::vector<int64_t> reported, tuned;
  for (int64_t draw = 0; draw < 20; ++draw) {
    RunKey key = short_run("bean-1", 10);
    key.draw = draw;
    key.protocol.checkpoint = Checkpoint::best_validation;
    key.protocol.validation_set = ValidationSet::disjoint;
    key.protocol.validation_images = 50;
    const Draw report(train, key);
    REQUIRE(report.validation.size() == 50);
    CHECK(report.held_out.empty());
    CHECK(disjoint(report.train, report.validation));
    reported.insert(reported.end(), report.train.begin(), report.train.end());
    reported.insert(reported.end(), report.validation.begin(), report.validation.end());
    for (const RunKey& trial : trials(key, 3)) {
      CHECK(trial.stage == Stage::tune);
      const Draw tune(train, trial);
      CHECK(disjoint(tune.train, tune.validation));
      CHECK(disjoint(tune.train, tune.held_out));
      CHECK(disjoint(tune.validation, tune.held_out));
      CHECK(tune.train.size() + tune.validation.size() + tune.held_out.size() == 200);
      for (const auto* part : {&tune.train, &tune.validation, &tune.held_out})
        tuned.insert(tuned.end(), part->begin(), part->end());
    }
  }
  CHECK(disjoint(reported, tuned));
  CHECK(run_once(trials(short_run("l1"), 1)[0], few_digits())->total == 190);  // never the test set
}

TEST_CASE("Every method gets as many trials", "[apps]") {
  for (const Method& method : methods())
    for (const Normalisation form : {Normalisation::paper, Normalisation::published_code})
      if (!method.parameter.empty()) CHECK(method.under(form).grid.size() == 6);
}

TEST_CASE("The best checkpoint is the first of the best on the validation set", "[apps]") {
  RunKey key = short_run("vanilla", 5);
  key.protocol.epochs = 12;
  key.protocol.checkpoint = Checkpoint::best_validation;
  key.protocol.validation_set = ValidationSet::overlapping;
  key.protocol.validation_images = 100;
  const RunResult best = *run_once(key, few_digits());
  CHECK(best.validation_total == 100);

  // The run that ends where the best checkpoint was has its weights, and so its answers.
  key.protocol.epochs = best.epoch;
  const RunResult ended = *run_once(key, few_digits());
  CHECK(ended.epoch == best.epoch);
  CHECK(ended.correct == best.correct);
  CHECK(ended.validation_correct == best.validation_correct);
  key.protocol.checkpoint = Checkpoint::final_epoch;
  CHECK(run_once(key, few_digits())->correct == best.correct);
}

TEST_CASE("Each switch of the protocol changes what it concerns alone", "[apps]") {
  for (const Method& method : methods()) {
    const RunKey key = short_run(std::string(method.name));
    RunKey changed = key;
    changed.protocol.normalisation = Normalisation::published_code;
    CHECK((changed.text() != key.text()) == method.is_bean());
    changed = key;
    changed.protocol.dropout_at_test = true;
    CHECK((changed.text() != key.text()) == (method.name == "dropout"));
    changed = key;
    changed.imitation.gp_starts = 5;
    CHECK((changed.text() != key.text()) ==
          (method.name == "imitation" || method.name == "gaussian-process"));
    changed = key;
    changed.protocol.validation_images = 7;  // without a checkpoint that needs them
    CHECK(changed.text() == key.text());
  }
  const RunKey key = short_run("dropout", 5);
  RunKey noisy = key;
  noisy.protocol.dropout_at_test = true;
  noisy.protocol.epochs = 60;
  RunKey quiet = key;
  quiet.protocol.epochs = 60;
  CHECK(run_once(noisy, few_digits())->correct < run_once(quiet, few_digits())->correct);
}

TEST_CASE("A few-shot step takes nothing from the system", "[apps]") {
  for (const char* method : {"vanilla", "dropout", "bean-1", "bean-2"}) {
    const RunKey key = short_run(method, 2);
    for (int i = 0; i < 2; ++i) run_once(key, few_digits());
    const int64_t before = memory_stats().system_allocations;
    run_once(key, few_digits());
    INFO(method);
    CHECK(memory_stats().system_allocations == before);
  }
}

TEST_CASE("A run ends early when asked to", "[apps]") {
  for (const char* method : {"vanilla", "imitation"})
    CHECK(!run_once(short_run(method), few_digits(), [] { return true; }));
}

}  // namespace
}  // namespace hebb::apps
