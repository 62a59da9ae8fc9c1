#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>

namespace hebb::apps {

/// Which runs are still to be done, by their numbers, and which rank has which. A run may come back
/// from two ranks, when one was thought dead: the first counts, and both are the same bits.
class Leases {
 public:
  explicit Leases(std::span<const int64_t> runs);

  /// The next run, which is then this rank's; nothing while all that are left are with ranks.
  std::optional<int64_t> take(int rank);
  /// False for a run that was finished before.
  bool finish(int64_t run);
  /// Takes back what a rank has, to be handed out before all others; how many runs that was.
  int64_t take_back(int rank);
  bool all_finished() const { return unfinished_.empty(); }

 private:
  std::deque<int64_t> waiting_;
  std::map<int64_t, int> ranks_;  // of the runs that are handed out
  std::set<int64_t> unfinished_;
};

}  // namespace hebb::apps
