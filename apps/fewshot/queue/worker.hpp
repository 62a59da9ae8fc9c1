#pragma once

#include <deque>
#include <vector>

#include "apps/fewshot/queue/rank.hpp"

namespace hebb::apps {

/// Any rank but 0, which it asks for runs, one for each of its threads, and gives their results.
class Worker final : public Rank {
 public:
  /// `runs` is the checksum of all runs.
  Worker(Communicator& communicator, Execute execute, uint64_t runs)
      : Rank(communicator, std::move(execute)), runs_(runs) {}

 private:
  void ask() override { tell({.kind = Report::Kind::wants_run}); }
  std::optional<int64_t> take() override;
  bool no_more() const override { return told_to_end_; }
  void finish(int64_t run, const RunResult& result) override;
  /// Error when nothing is heard of rank 0.
  void exchange(std::chrono::duration<double> since_last) override;
  bool may_leave() const override { return said_end_; }
  void tell(Report report);

  uint64_t runs_;
  std::vector<Report> unsent_;
  std::deque<int64_t> orders_;
  Silence silence_;
  std::chrono::duration<double> since_told_{};
  bool told_to_end_ = false, said_interrupted_ = false, said_end_ = false;
};

}  // namespace hebb::apps
