#include "apps/fewshot/study/run.hpp"

#include <set>

#include "apps/fewshot/study/method.hpp"
#include "apps/fewshot/tuning/tuning.hpp"
#include "core/parallel.hpp"
#include "core/storage.hpp"
#include "tests/apps/fewshot/support.hpp"

namespace hebb::apps {
namespace {

using test::few_digits;
using test::same;
using test::short_run;

TEST_CASE("A run is the same bits on any thread", "[apps]") {
  for (const auto& [name, method, settings] : known_methods()) {
    RunKey key = short_run(std::string(name), 2);
    key.protocol.dropout_at_test = true;
    key.protocol.batch_size = name == "bean-1" ? 3 : 1;
    const RunResult alone = *run_once(key, few_digits());
    CHECK(alone.total == 200);
    CHECK(alone.correct > 10);
    std::vector<RunResult> results(4);
    parallel_for(4, 1,
                 [&](int64_t i, int64_t) { results[size_t(i)] = *run_once(key, few_digits()); });
    INFO(name);
    for (const RunResult& result : results) CHECK(same(result, alone));
  }
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

TEST_CASE("Runs of one cell together are what each is alone", "[apps]") {
  const auto compare = [](const RunKey& cell, int64_t draws) {
    std::vector<RunKey> keys(size_t(draws), cell);
    for (int64_t i = 0; i < draws; ++i) keys[size_t(i)].draw = 2 * i;
    const auto results = run_together(keys, few_digits());
    REQUIRE(results);
    REQUIRE(results->size() == keys.size());
    INFO(cell.text());
    for (size_t i = 0; i < keys.size(); ++i)
      CHECK(same((*results)[i], *run_once(keys[i], few_digits())));
  };
  for (const auto& [name, method, settings] : known_methods()) {
    if (!method.run_together) continue;
    RunKey key = short_run(std::string(name), 2);
    key.protocol.dropout_at_test = true;
    for (const int64_t batch_size : {1, 3, 100}) {
      key.protocol.batch_size = batch_size;
      compare(key, batch_size == 1 ? 3 : 2);
    }
    compare(key, 1);
    key.stage = Stage::tune;
    key.protocol.checkpoint = Checkpoint::best_validation;
    key.protocol.validation_set = ValidationSet::disjoint;
    key.protocol.validation_images = 50;
    compare(key, 2);
  }
}

TEST_CASE("Trials of all values together are what each is alone", "[apps]") {
  int telling = 0;  // methods of which another value is another result
  for (const auto& [name, method, settings] : known_methods()) {
    if (!method.run_together) continue;
    RunKey cell = short_run(std::string(name), 5);
    cell.protocol.epochs = 8;
    cell.protocol.dropout_at_test = true;
    cell.protocol.batch_size = name == "bean-1" ? 3 : 1;
    if (name == "vanilla" || name == "dropout") {
      cell.protocol.checkpoint = Checkpoint::best_validation;
      cell.protocol.validation_set = ValidationSet::disjoint;
      cell.protocol.validation_images = 50;
    }
    const std::vector<RunKey> keys = trials(cell, 2);
    REQUIRE(keys.size() == 12);
    const auto results = run_together(keys, few_digits());
    REQUIRE(results);
    REQUIRE(results->size() == keys.size());
    std::set<int64_t> correct;
    for (size_t i = 0; i < keys.size(); ++i) {
      INFO(keys[i].text());
      CHECK(same((*results)[i], *run_once(keys[i], few_digits())));
      if (keys[i].draw == 0) correct.insert((*results)[i].correct);
    }
    telling += correct.size() > 1;
  }
  CHECK(telling >= 4);
}

TEST_CASE("A run ends early when asked to", "[apps]") {
  for (const char* method : {"vanilla", "imitation"})
    CHECK(!run_once(short_run(method), few_digits(), [] { return true; }));
  CHECK(!run_together(std::vector<RunKey>(2, short_run("vanilla")), few_digits(),
                      [] { return true; }));
}

}  // namespace
}  // namespace hebb::apps
