#include "apps/fewshot/study/method.hpp"

#include <map>

#include "tests/apps/fewshot/support.hpp"

namespace hebb::apps {
namespace {

using test::few_digits;
using test::same;
using test::short_run;

TEST_CASE("Methods with no effect train as vanilla does", "[apps]") {
  const RunResult vanilla = *run_once(short_run("vanilla"), few_digits());
  for (const char* method : {"dropout", "weight-decay", "l1", "bean-1", "bean-2"}) {
    RunKey key = short_run(method);
    key.value = 0;
    INFO(method);
    CHECK(same(*run_once(key, few_digits()), vanilla));
  }
}

// Journals that were written under these names go on only as long as the names stay.
TEST_CASE("The names of runs in old journals hold", "[apps]") {
  Protocol protocol = published();
  protocol.validation_images = 200;
  const std::string checkpoint =
      " checkpoint=best-validation validation-set=overlapping validation-images=200 "
      "validation-every=1";
  const std::string gp = " gp-starts=3 gp-evaluations=20 gp-rows=100";
  const std::map<std::string, std::pair<double, std::string>> names = {
      {"vanilla",
       {5e-4, " lr=0.0005 draw=0 seed=0 batch-size=1 epochs=200 init=pytorch" + checkpoint}},
      {"dropout",
       {0.5,
        " p=0.5 draw=0 seed=0 lr=0.0005 batch-size=1 epochs=200 init=pytorch "
        "dropout-at-test=true" +
            checkpoint}},
      {"weight-decay",
       {1e-3,
        " lambda=0.001 draw=0 seed=0 lr=0.0005 batch-size=1 epochs=200 init=pytorch" + checkpoint}},
      {"l1",
       {3e-5,
        " lambda=3e-05 draw=0 seed=0 lr=0.0005 batch-size=1 epochs=200 init=pytorch" + checkpoint}},
      {"bean-2",
       {300,
        " alpha=300 draw=0 seed=0 lr=0.0005 batch-size=1 epochs=200 init=pytorch "
        "normalisation=published-code" +
            checkpoint}},
      {"imitation",
       {2e-4, " lr=0.0002 draw=0 seed=0" + gp +
                  " pseudo-examples=250 imitation-steps=4 imitation-epochs=10 "
                  "imitation-batch=100 labelled-batch=20 hard-weight=1 fidelity-high=2 "
                  "fidelity-mean=1 ascent-lr=0.02 ascent-steps=5 init=pytorch"}},
      {"gaussian-process", {0, " draw=0 seed=0" + gp}},
  };
  for (const auto& [method, expected] : names) {
    const RunKey key{.method = method, .value = expected.first, .protocol = protocol};
    CHECK(key.text() == "mnist 1-shot " + method + expected.second);
  }
  const RunKey tuning{.shots = 5, .draw = 3, .seed = 7, .stage = Stage::tune};
  CHECK(tuning.text() ==
        "mnist 5-shot vanilla lr=0.0005 draw=3 seed=7 stage=tune batch-size=1 epochs=100 "
        "init=pytorch");
}

TEST_CASE("Each switch of the protocol changes what it concerns alone", "[apps]") {
  for (const auto& [name, method, settings] : known_methods()) {
    const RunKey key = short_run(std::string(name));
    RunKey changed = key;
    changed.protocol.normalization = Normalization::published_code;
    CHECK((changed.text() != key.text()) == name.starts_with("bean-"));
    changed = key;
    changed.protocol.dropout_at_test = true;
    CHECK((changed.text() != key.text()) == (name == "dropout"));
    changed = key;
    changed.imitation.gp_starts = 5;
    CHECK((changed.text() != key.text()) == (name == "imitation" || name == "gaussian-process"));
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

}  // namespace
}  // namespace hebb::apps
