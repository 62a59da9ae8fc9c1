#pragma once

#include "distributed/communicator.hpp"
#include "distributed/nccl/group.hpp"

namespace hebb {

/// Ranks with a GPU each. Tensors there are added up in slices, as MpiCommunicator does, with the
/// same bits: NCCL moves the slices from GPU to GPU, and each rank adds its own in the order of
/// ranks. All of it is asked for at once, on a stream of its own beside the backend's, and the host
/// waits for nothing. All else is the other communicator's.
class NcclCommunicator final : public Communicator {
 public:
  /// Of the ranks of `host`, each with the CUDA device of this index; all of them call it.
  NcclCommunicator(Communicator& host, int device);
  ~NcclCommunicator() override;

  std::unique_ptr<PendingSum> start_all_reduce(const Tensor& values) override;
  using Communicator::broadcast;
  void broadcast(std::span<std::byte> bytes) override { host_.broadcast(bytes); }
  int rank_on_host() const override { return host_.rank_on_host(); }
  void barrier() override { host_.barrier(); }
  void abort(int code) override { host_.abort(code); }
  bool ranks_may_be_lost() const override { return host_.ranks_may_be_lost(); }
  void send_bytes(int rank, std::span<const std::byte> message) override {
    host_.send_bytes(rank, message);
  }
  bool receive_bytes(std::span<std::byte> message, bool wait) override {
    return host_.receive_bytes(message, wait);
  }

 private:
  Communicator& host_;
  cuda::Stream work_, stream_;  // the backend's, and that of sums
  nccl::Group group_;
};

}  // namespace hebb
