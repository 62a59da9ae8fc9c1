#include "bench/distributed.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "bench/measure.hpp"
#include "distributed/data_parallel.hpp"

namespace hebb::bench {
namespace {

double milliseconds(const std::function<void()>& function) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  function();
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

}  // namespace

DistributedTiming measure_distributed(const std::string& name, const Dataset& data,
                                      Communicator& ranks, double seconds) {
  DataParallel peers(ranks);
  StepCase step(name, data, {}, &peers);
  step.run();
  // Rank 0 says how many, so that all make the same calls.
  double count = std::ceil(seconds * 1e3 / milliseconds([&] { step.run(); }));
  ranks.broadcast(std::as_writable_bytes(std::span(&count, 1)));
  const int64_t calls = std::clamp<int64_t>(int64_t(count), 10, 10'000);
  std::vector<double> steps, waits, sums;
  for (int64_t i = 0; i < calls; ++i) {
    const double before = peers.times().waited;
    steps.push_back(milliseconds([&] { step.run(); }));
    waits.push_back((peers.times().waited - before) * 1e3);
  }
  for (int64_t i = 0; i < calls; ++i) {
    ranks.barrier();
    sums.push_back(milliseconds([&] { step.sum_gradients_alone(); }));
  }
  return {.step = summarize(steps).median,
          .waited = summarize(waits).median,
          .alone = summarize(sums).median,
          .calls = calls};
}

}  // namespace hebb::bench
