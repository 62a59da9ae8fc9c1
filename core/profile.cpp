#include "core/profile.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <mutex>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/check.hpp"
#include "core/log_message.hpp"
#include "core/profile_events.hpp"

namespace hebb {
namespace {

struct Event {
  std::string name, args;
  int64_t begin, end;
  int thread;
};

struct Events {
  std::mutex mutex;
  std::vector<Event> list;
  size_t limit = 0, left_out = 0;
  int64_t start = 0;
};
// Never destroyed: threads may end after the program's statics.
Events& events() {
  static Events* instance = new Events;
  return *instance;
}

int thread_number() {
  static std::atomic<int> threads{0};
  thread_local const int number = ++threads;
  return number;
}

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

namespace detail {

std::atomic<bool> profiling{false};

int64_t profile_time() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

void note_event(std::string name, std::string args, int64_t begin) noexcept {
  const int64_t end = profile_time();
  Events& all = events();
  const std::lock_guard lock(all.mutex);
  // What began under an earlier profile is none of this one's.
  if (!profiling || begin < all.start) return;
  if (all.list.size() < all.limit) try {
      all.list.push_back({std::move(name), std::move(args), begin, end, thread_number()});
      return;
    } catch (const std::bad_alloc&) {
    }
  ++all.left_out;
}

}  // namespace detail

void start_profile(const ProfileOptions& options) {
  Events& all = events();
  const std::lock_guard lock(all.mutex);
  check(!detail::profiling, "[start_profile] a profile is under way");
  all.list.clear();
  all.limit = options.max_events;
  all.left_out = 0;
  all.start = detail::profile_time();
  detail::profiling = true;
}

std::string stop_profile() {
  Events& all = events();
  std::vector<Event> list;
  size_t left_out = 0;
  int64_t start = 0;
  {
    const std::lock_guard lock(all.mutex);
    check(detail::profiling, "[stop_profile] no profile is under way");
    detail::profiling = false;
    list.swap(all.list);
    left_out = all.left_out;
    start = all.start;
  }
  if (left_out > 0)
    log_message(LogLevel::warning, "[profile] {} events were left out behind the first {}",
                left_out, list.size());
  std::string json = "{\"traceEvents\":[";
  const int process = getpid();
  for (size_t i = 0; i < list.size(); ++i) {
    const Event& e = list[i];
    fmt::format_to(std::back_inserter(json),
                   R"({}{{"name":{},"ph":"X","ts":{:.3f},"dur":{:.3f},"pid":{},"tid":{}{}{}}})",
                   i ? ",\n" : "\n", quoted(e.name), double(e.begin - start) / 1e3,
                   double(e.end - e.begin) / 1e3, process, e.thread,
                   e.args.empty() ? "" : ",\"args\":", e.args);
  }
  return json + fmt::format("\n],\"displayTimeUnit\":\"ms\",\"otherData\":{{\"left_out\":{}}}}}\n",
                            left_out);
}

void ProfileScope::begin(std::string_view name) {
  name_ = name;
  begin_ = detail::profile_time();
}

void ProfileScope::end() noexcept { detail::note_event(std::move(name_), "", begin_); }

}  // namespace hebb
