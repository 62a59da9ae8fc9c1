#pragma once

#include <string>
#include <vector>

#include "apps/common/progress.hpp"
#include "apps/fewshot/queue/journal.hpp"
#include "apps/fewshot/queue/leases.hpp"
#include "apps/fewshot/queue/rank.hpp"

namespace hebb::apps {

/// Rank 0, which hands out runs, to its own threads as well, and writes the results down. Runs of a
/// rank that has died are handed out again.
class Root final : public Rank {
 public:
  struct Options {
    std::vector<const RunKey*> runs;
    std::vector<int64_t> open;  ///< Those that are to be done.
    uint64_t checksum = 0;      ///< Of all runs.
    bool quiet = false;
  };
  Root(Communicator& communicator, Execute execute, Journal& journal, Options options);

  bool all_finished() const { return leases_.all_finished(); }
  bool has_lost_ranks() const;

 private:
  struct Peer {
    Silence silence;
    int64_t runs_wanted = 0;
    std::chrono::duration<double> since_told{};
    bool lost = false, told_to_end = false, ended = false;
  };

  std::optional<int64_t> take() override { return leases_.take(0); }
  bool no_more() const override { return leases_.all_finished(); }
  void finish(int64_t run, const RunResult& result) override;
  /// ValueError for a rank with other runs; what the journal throws.
  void exchange(std::chrono::duration<double> since_last) override;
  bool may_leave() const override;
  void hear(const Report& report);
  void look_after(int rank, std::chrono::duration<double> since_last);
  void tell(int rank, const Order& order);
  void say(const std::string& line);

  Journal& journal_;
  Options options_;
  Leases leases_;
  std::vector<Peer> peers_;  // by rank; 0 is this one
  Progress progress_;
  int64_t finished_ = 0;
};

}  // namespace hebb::apps
