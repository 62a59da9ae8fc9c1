#include "core/profile.hpp"

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <thread>

#include "core/backend.hpp"
#include "core/log.hpp"
#include "core/ops/ops.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

using Json = nlohmann::json;

// The first event of a name; fails where there is none.
Json event(const Json& trace, const std::string& name) {
  for (const Json& e : trace["traceEvents"])
    if (e["name"] == name) return e;
  FAIL("no event " << name << " in " << trace.dump());
  return {};
}

}  // namespace

TEST_CASE("a profile has operations with their operands, and what they are part of", "[core]") {
  const Tensor x = Tensor::ones({4, 3});
  Tensor w = Tensor::full({2, 3}, 0.5).set_requires_grad();
  const Tensor plain = relu(linear(x, w));
  start_profile();
  Tensor y;
  {
    const ProfileScope scope("my \"part\"");
    y = relu(linear(x, w));
  }
  sum(y).backward();
  const Json trace = Json::parse(stop_profile());
  const std::vector<float> values = y.to_vector<float>();
  relu(x);  // behind the end

  const Json product = event(trace, "linear"), part = event(trace, "my \"part\"");
  CHECK(product["args"]["inputs"] == Json{"float32 [4, 3]", "float32 [2, 3]"});
  CHECK(product["args"]["result"] == "[4, 2]");
  CHECK(product["ph"] == "X");
  CHECK(product["ts"] >= part["ts"]);
  CHECK(product["dur"] > 0);
  CHECK(product["dur"] <= part["dur"]);
  event(trace, "relu backward");
  event(trace, "backward");
  CHECK(trace["otherData"]["left_out"] == 0);
  int relus = 0;
  for (const Json& e : trace["traceEvents"]) relus += e["name"] == "relu";
  CHECK(relus == 1);
  CHECK(values == plain.to_vector<float>());
}

TEST_CASE("events are of all threads, and limited", "[core]") {
  start_profile({.max_events = 30});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 20; ++n) relu(Tensor::ones({2}));  // a filling and an operation
    });
  for (std::thread& thread : threads) thread.join();
  std::string message;
  set_log_sink([&](LogLevel, std::string_view text) { message = text; });
  const Json trace = Json::parse(stop_profile());
  set_log_sink({});
  CHECK(trace["traceEvents"].size() == 30);
  CHECK(trace["otherData"]["left_out"] == 130);
  CHECK(message == "[profile] 130 events were left out behind the first 30");

  start_profile();
  std::thread([] { relu(Tensor::ones({2})); }).join();
  relu(Tensor::ones({2}));
  std::set<int> numbers;
  const Json both = Json::parse(stop_profile());
  for (const Json& e : both["traceEvents"]) numbers.insert(int(e["tid"]));
  CHECK(numbers.size() == 2);
}

TEST_CASE("one profile at a time", "[core]") {
  CHECK_THROWS_AS(stop_profile(), ValueError);
  start_profile();
  CHECK_THROWS_AS(start_profile(), ValueError);
  CHECK(&backend_for({}) != &cpu::backend());
  CHECK(backend_for({}).name() == cpu::backend().name());
  stop_profile();
  CHECK(&backend_for({}) == &cpu::backend());  // nothing stands between
}

}  // namespace hebb
