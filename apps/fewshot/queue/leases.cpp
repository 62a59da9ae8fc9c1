#include "apps/fewshot/queue/leases.hpp"

namespace hebb::apps {

Leases::Leases(std::span<const int64_t> runs)
    : waiting_(runs.begin(), runs.end()), unfinished_(runs.begin(), runs.end()) {}

std::optional<int64_t> Leases::take(int rank) {
  while (!waiting_.empty()) {
    const int64_t run = waiting_.front();
    waiting_.pop_front();
    if (!unfinished_.contains(run)) continue;
    ranks_[run] = rank;
    return run;
  }
  return std::nullopt;
}

bool Leases::finish(int64_t run) {
  ranks_.erase(run);
  return unfinished_.erase(run) > 0;
}

int64_t Leases::take_back(int rank) {
  return int64_t(std::erase_if(ranks_, [&](const auto& lease) {
    if (lease.second == rank) waiting_.push_front(lease.first);
    return lease.second == rank;
  }));
}

}  // namespace hebb::apps
