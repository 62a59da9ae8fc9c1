#pragma once

#include "bench/steps.hpp"
#include "distributed/communicator.hpp"

namespace hebb::bench {

/// What a step of training over the ranks comes to; medians of rank 0, in milliseconds.
struct DistributedTiming {
  double step = 0;
  double waited = 0;  ///< Of it, for sums over the ranks once backward has ended.
  double alone = 0;   ///< The same sums where nothing else goes on.
  int64_t calls = 0;
  double hidden() const { return waited < alone ? 1 - waited / alone : 0; }
};

/// For about `seconds`; all ranks call it. `name` is a step of training.
DistributedTiming measure_distributed(const std::string& name, const Dataset& data,
                                      Communicator& ranks, double seconds);

}  // namespace hebb::bench
