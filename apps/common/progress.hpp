#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace hebb::apps {

/// A bar on standard error, renewed at most ten times a second; nothing where that is no terminal
/// or `quiet` was asked for.
class Progress {
 public:
  Progress(std::string label, int64_t total, bool quiet);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(int64_t done, const std::string& note = {});
  void clear();  ///< Takes the bar off the screen.

 private:
  using Clock = std::chrono::steady_clock;
  std::string label_;
  int64_t total_;
  bool active_;
  bool shown_ = false;
  Clock::time_point start_, last_;
};

std::string format_duration(double seconds);  ///< "42 s", "3:07", "1:02:33".

}  // namespace hebb::apps
