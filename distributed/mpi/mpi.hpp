#pragma once

#include <mpi.h>

#include <list>
#include <vector>

#include "distributed/communicator.hpp"

namespace hebb {

/// MPI_COMM_WORLD. Sums go in slices: each rank gets its slice from all others, adds in the order
/// of ranks and gives the sum to all others, so that a rank sends and receives 2 (n - 1) / n of
/// the bytes. All transfers go on beside the caller's work, as far as `advance` is called.
class MpiCommunicator final : public Communicator {
 public:
  /// Whether mpirun or srun has started this process.
  static bool was_started();
  static std::unique_ptr<MpiCommunicator> start();
  ~MpiCommunicator() override;

  std::unique_ptr<PendingSum> start_all_reduce(const Tensor& values) override;
  using Communicator::broadcast;
  void broadcast(std::span<std::byte> bytes) override;
  void barrier() override;
  void abort(int code) override;
  bool ranks_may_be_lost() const override;
  int rank_on_host() const override { return rank_on_host_; }
  void send_bytes(int rank, std::span<const std::byte> message) override;
  bool receive_bytes(std::span<std::byte> message, bool wait) override;

 private:
  struct Sent {
    MPI_Request request;
    std::vector<std::byte> message;
  };

  MpiCommunicator(int rank, int size);

  MPI_Comm messages_ = MPI_COMM_NULL;
  std::list<Sent> sent_;  // that may still be under way
  int rank_on_host_ = 0;
  int64_t reductions_ = 0;
};

}  // namespace hebb
