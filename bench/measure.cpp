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
  return measure_in_turns(
             function, [] {}, seconds)
      .first;
}

std::pair<Timing, Timing> measure_in_turns(const std::function<void()>& first,
                                           const std::function<void()>& second, double seconds) {
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::duration<double, std::milli>;
  for (int i = 0; i < 5; ++i) first(), second();
  std::vector<double> times[2];
  const Clock::time_point begin = Clock::now();
  while (times[0].size() < 10 || Clock::now() - begin < std::chrono::duration<double>(seconds)) {
    const Clock::time_point start = Clock::now();
    first();
    const Clock::time_point middle = Clock::now();
    second();
    times[0].push_back(Milliseconds(middle - start).count());
    times[1].push_back(Milliseconds(Clock::now() - middle).count());
  }
  return {summarize(times[0]), summarize(times[1])};
}

}  // namespace hebb::bench
