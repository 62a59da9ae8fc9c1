#include "apps/common/progress.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace hebb::apps {

Progress::Progress(std::string label, int64_t total, bool quiet)
    : label_(std::move(label)),
      total_(std::max<int64_t>(total, 1)),
      active_(!quiet && isatty(STDERR_FILENO)),
      start_(Clock::now()),
      last_(start_) {}

Progress::~Progress() { clear(); }

void Progress::update(int64_t done, const std::string& note) {
  const Clock::time_point now = Clock::now();
  if (!active_ || (shown_ && done < total_ && now - last_ < std::chrono::milliseconds(100))) return;
  last_ = now;
  shown_ = true;
  constexpr int width = 30;
  const int filled = int(width * std::min(done, total_) / total_);
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const std::string left =
      done > 0 ? format_duration(elapsed * double(total_ - done) / double(done)) : "?";
  fmt::print(stderr, "\r\033[K{} [{:#<{}}{:.<{}}] {}/{}  {} left  {}", label_, "", filled, "",
             width - filled, done, total_, left, note);
  std::fflush(stderr);
}

void Progress::clear() {
  if (!shown_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  shown_ = false;
}

std::string format_duration(double seconds) {
  const int64_t whole = std::llround(seconds);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace hebb::apps
