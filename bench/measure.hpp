#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace hebb::bench {

/// Times of one call, in milliseconds.
struct Timing {
  double median = 0, low = 0, high = 0;  ///< low and high: the 10th and 90th percentile.
  int64_t calls = 0;
};

/// The percentiles of measured times, which it sorts.
Timing summarize(std::vector<double>& times);

/// Calls `function` a few times unmeasured, then for about `seconds`, at least 10 times.
Timing measure(const std::function<void()>& function, double seconds);
/// The same of two functions in turns, so that both have what else the machine does.
std::pair<Timing, Timing> measure_in_turns(const std::function<void()>& first,
                                           const std::function<void()>& second, double seconds);

}  // namespace hebb::bench
