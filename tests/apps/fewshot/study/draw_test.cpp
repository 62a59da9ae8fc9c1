#include "apps/fewshot/study/draw.hpp"

#include <set>

#include "apps/fewshot/study/method.hpp"
#include "apps/fewshot/tuning/tuning.hpp"
#include "tests/apps/fewshot/support.hpp"

namespace hebb::apps {
namespace {

using test::few_digits;
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
  for (const auto& [name, method, settings] : known_methods()) {
    RunKey key = short_run(std::string(name), 2);
    key.value *= 3;
    key.protocol.normalization = Normalization::published_code;
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

}  // namespace
}  // namespace hebb::apps
