#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace hebb {

/// -Σ count/n log(count/n), in nats; n is the sum of the counts.
inline double entropy(const std::vector<int64_t>& counts, double n) {
  double sum = 0;
  for (const int64_t count : counts)
    if (count > 0) sum -= double(count) / n * std::log(double(count) / n);
  return sum;
}

}  // namespace hebb
