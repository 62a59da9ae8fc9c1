// Few-shot training on the emulated GPU: all trial values of a method, and the draws of each, are
// replicas whose steps are launched as one.
#include <algorithm>
#include <cstdlib>

#include "apps/fewshot/tuning/tuning.hpp"
#include "core/log.hpp"
#include "tests/apps/fewshot/support.hpp"
#include "tests/catch.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::apps {
namespace {

using test::same;
using test::short_run;

const RunData& fewer_digits() {
  static const RunData data(
      {.train = digits({.samples = 200}), .test = digits({.samples = 20, .first = 200})});
  return data;
}

// Of a trial for each value, on two draws by turns.
std::vector<RunKey> some_trials(const std::string& method, Device device) {
  RunKey cell = short_run(method);
  cell.device = device;
  cell.protocol.batch_size = 3;  // and one of a single image
  cell.protocol.epochs = 6;
  cell.protocol.dropout_at_test = true;
  std::vector<RunKey> keys;
  for (const RunKey& key : trials(cell, 2))
    if (std::ssize(keys) < 5 && key.draw == std::ssize(keys) % 2) keys.push_back(key);
  return keys;
}

struct Trained {
  std::vector<RunResult> results;
  std::vector<std::string> messages;
  long graph_launches;
};

Trained train(const std::vector<RunKey>& keys, const char* graphs) {
  setenv("HEBB_CUDA_GRAPHS", graphs, 1);
  Trained trained;
  set_log_sink([&](LogLevel, std::string_view message) { trained.messages.emplace_back(message); });
  const long before = cuda::emulation.graph_launches;
  trained.results = run_together(keys, fewer_digits()).value();
  trained.graph_launches = cuda::emulation.graph_launches - before;
  set_log_sink({});
  unsetenv("HEBB_CUDA_GRAPHS");
  return trained;
}

}  // namespace

TEST_CASE("a few-shot step is one launch, and gives the same results as one that is called",
          "[gpu]") {
  for (const char* method : {"dropout", "weight-decay", "bean-1"}) {
    INFO(method);
    const std::vector<RunKey> keys = some_trials(method, Device::cuda());
    REQUIRE(keys.size() > 2);
    const Trained called = train(keys, "0"), recorded = train(keys, "1");
    CHECK(called.graph_launches == 0);
    CHECK(called.messages.empty());
    // 6 epochs of 3 batches, and of one that is short: two calls of each kind come first.
    CHECK(recorded.graph_launches == 6 * 3 - 2 + 6 - 2);
    CHECK(std::ranges::count_if(recorded.messages, [](const std::string& message) {
            return message.starts_with("[cuda] a step is repeated from here on");
          }) == 2);
    CHECK(recorded.messages.size() == 2);
    for (size_t i = 0; i < keys.size(); ++i) CHECK(same(called.results[i], recorded.results[i]));
  }
}

TEST_CASE("a few-shot step that cannot be recorded says why, once, and is called", "[gpu]") {
  const std::vector<RunKey> keys = some_trials("bean-1", Device::cuda());
  const Trained called = train(keys, "0");
  cuda::emulation.unrecordable = 40;
  const Trained broken = train(keys, "1");
  cuda::emulation.unrecordable = 0;
  CHECK(std::ranges::count_if(broken.messages, [](const std::string& message) {
          return message.starts_with("[cuda] a step is called each time, and not repeated: ");
        }) == 1);
  for (size_t i = 0; i < keys.size(); ++i) CHECK(same(called.results[i], broken.results[i]));
}

}  // namespace hebb::apps
