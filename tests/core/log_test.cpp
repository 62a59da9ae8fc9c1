#include "core/log.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "core/log_message.hpp"
#include "tests/catch.hpp"

namespace hebb {

TEST_CASE("messages go to the sink that is set, and nowhere without one", "[core]") {
  std::vector<std::string> messages;
  const auto say = [](int number) { log_message(LogLevel::warning, "[test] message {}", number); };
  say(1);
  set_log_sink([&](LogLevel level, std::string_view message) {
    CHECK(level == LogLevel::warning);
    messages.emplace_back(message);
  });
  say(2);
  set_log_sink({});
  say(3);
  CHECK(messages == std::vector<std::string>{"[test] message 2"});
}

TEST_CASE("a sink may set another, while threads have something to say", "[core]") {
  std::atomic<int> first{0}, second{0};
  set_log_sink([&](LogLevel, std::string_view) {
    ++first;
    set_log_sink([&](LogLevel, std::string_view) { ++second; });
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 100; ++n) log_message(LogLevel::info, "[test] {}", n);
    });
  for (std::thread& thread : threads) thread.join();
  set_log_sink({});
  CHECK(first >= 1);
  CHECK(first + second == 400);
}

}  // namespace hebb
