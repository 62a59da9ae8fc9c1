#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "apps/fewshot/run.hpp"

namespace hebb::apps {

/// The processes that `mpirun` has started, where Hebb was built with MPI; otherwise this one
/// alone, and no call of MPI. One thread at a time may use it.
class Communicator {
 public:
  Communicator();
  /// Ends the other processes too when an exception is under way.
  ~Communicator();
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }

  /// What rank 0 has, on every rank.
  void broadcast(std::vector<char>& bytes) const;

  struct Message {
    int64_t run = 0;  ///< -1: this rank has ended.
    RunResult result = {};
  };
  void send_to_root(const Message& message) const;
  /// On rank 0, the next message of the others; without `wait`, nothing when none has come.
  std::optional<Message> receive(bool wait) const;

 private:
  int rank_ = 0, size_ = 1, exceptions_ = 0;
};

}  // namespace hebb::apps
