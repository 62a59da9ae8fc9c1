#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>

#include "apps/fewshot/study/run.hpp"
#include "distributed/communicator.hpp"

namespace hebb::apps {

/// Trains and tests the run of this number; nothing when `stop_requested` said so.
using Execute = std::function<std::optional<RunResult>(
    int64_t run, const std::function<bool()>& stop_requested)>;

/// What other ranks tell rank 0.
struct Report {
  enum class Kind { here, wants_run, finished, interrupted, ended };
  Kind kind = Kind::here;
  int rank = 0;
  uint64_t runs = 0;  ///< A checksum of all runs' names, which are to be the same on all ranks.
  int64_t run = 0;
  RunResult result = {};
};

/// What rank 0 tells others.
struct Order {
  enum class Kind { here, run, end };
  Kind kind = Kind::here;
  int64_t run = 0;
};

/// Who has nothing else to say says this often that it is there.
inline constexpr std::chrono::seconds between_signs{1};

/// How long nothing has been heard of another rank. Only the time in which this process looked is
/// counted: it may have been stopped itself.
class Silence {
 public:
  static constexpr std::chrono::seconds limit{10};
  /// Ranks read their data before they begin to speak.
  static constexpr std::chrono::minutes limit_at_first{10};

  void broken();
  /// Whether it has become too long, after so much more time.
  bool lasts(std::chrono::duration<double> more);

 private:
  std::chrono::duration<double> lasted_{};
  bool heard_ = false;
};

/// A rank at work: as many threads as it has execute runs, and one more speaks with other ranks.
class Rank {
 public:
  Rank(Communicator& communicator, Execute execute)
      : communicator_(communicator), execute_(std::move(execute)) {}
  virtual ~Rank() = default;
  Rank(const Rank&) = delete;
  Rank& operator=(const Rank&) = delete;

  /// Returns when no rank has runs to do, or all have been stopped. Throws what a run throws.
  void work();

 protected:
  // The mutex is held when these are called.
  virtual void ask() {}  // before a thread waits for a run
  virtual std::optional<int64_t> take() = 0;
  virtual bool no_more() const = 0;
  virtual void finish(int64_t run, const RunResult& result) = 0;
  virtual void exchange(std::chrono::duration<double> since_last) = 0;
  virtual bool may_leave() const = 0;

  bool stopping() const;
  void stop() { stop_ = true; }
  // The threads that execute runs have come to their end.
  bool idle() const { return idle_; }
  Communicator& communicator() { return communicator_; }

 private:
  void execute_runs();
  void speak();
  std::optional<int64_t> next();
  void fail(std::exception_ptr failure);

  Communicator& communicator_;
  Execute execute_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> stop_ = false;
  bool idle_ = false;
  std::exception_ptr failure_;
};

}  // namespace hebb::apps
