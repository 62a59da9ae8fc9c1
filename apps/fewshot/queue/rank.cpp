#include "apps/fewshot/queue/rank.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include "apps/common/app.hpp"
#include "core/parallel.hpp"

namespace hebb::apps {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto between_looks = 5ms;
constexpr auto longest_look = 125ms;

}  // namespace

void Silence::broken() {
  heard_ = true;
  lasted_ = {};
}

bool Silence::lasts(std::chrono::duration<double> more) {
  lasted_ += std::min<std::chrono::duration<double>>(more, longest_look);
  return lasted_ > (heard_ ? limit : std::chrono::seconds(limit_at_first));
}

void Rank::work() {
  std::thread speaker;
  if (communicator_.size() > 1) speaker = std::thread([this] { speak(); });
  parallel_for(num_threads(), 1, [this](int64_t, int64_t) { execute_runs(); });
  {
    const std::lock_guard lock(mutex_);
    idle_ = true;
  }
  changed_.notify_all();
  if (speaker.joinable()) speaker.join();
  if (failure_) std::rethrow_exception(failure_);
}

bool Rank::stopping() const { return stop_ || Interrupt::requested(); }

void Rank::execute_runs() {
  try {
    while (const std::optional<int64_t> run = next()) {
      const std::optional<RunResult> result = execute_(*run, [this] { return stopping(); });
      if (!result) continue;
      const std::lock_guard lock(mutex_);
      finish(*run, *result);
      changed_.notify_all();
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

std::optional<int64_t> Rank::next() {
  std::unique_lock lock(mutex_);
  if (stopping()) return std::nullopt;
  ask();
  changed_.notify_all();
  for (;;) {
    if (stopping()) return std::nullopt;
    if (const std::optional<int64_t> run = take()) return run;
    if (no_more()) return std::nullopt;
    changed_.wait_for(lock, 50ms);  // a signal wakes nobody
  }
}

void Rank::speak() {
  try {
    std::unique_lock lock(mutex_);
    for (Clock::time_point last = Clock::now(); !failure_ && !may_leave();) {
      const Clock::time_point now = Clock::now();
      exchange(now - std::exchange(last, now));
      changed_.notify_all();
      changed_.wait_for(lock, between_looks);
    }
  } catch (...) {
    fail(std::current_exception());
  }
}

void Rank::fail(std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  if (!failure_) failure_ = std::move(failure);
  stop();
  changed_.notify_all();
}

}  // namespace hebb::apps
