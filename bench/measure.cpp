#include "bench/measure.hpp"

#include <algorithm>
#include <chrono>

namespace hebb::bench {

Timing summarize(std::vector<double>& times) {
  std::sort(times.begin(), times.end());
  const auto at = [&](double share) { return times[size_t(share * double(times.size() - 1))]; };
  return {at(0.5), at(0.1), at(0.9), int64_t(times.size())};
}

Timing measure(const std::function<void()>& function, double seconds) {
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  for (int i = 0; i < 5; ++i) function();
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  while (times.size() < 10 || Clock::now() - begin < std::chrono::duration<double>(seconds)) {
    const Clock::time_point start = Clock::now();
    function();
    times.push_back(Milliseconds(Clock::now() - start).count());
  }
  return summarize(times);
}

}  // namespace hebb::bench
