#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <type_traits>

#include "core/tensor.hpp"

namespace hebb {

/// What can be sent as its bytes.
template <class T>
concept Message = std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>;

/// A sum under way. Its tensor is not to be touched before `wait` returns.
class PendingSum {
 public:
  virtual ~PendingSum() = default;
  virtual void advance() = 0;  ///< Does what can be done without waiting.
  virtual void wait() = 0;
};

/// The processes of one run, its ranks. One thread at a time may use it; all ranks make the same
/// calls of `start_all_reduce`, `all_reduce`, `broadcast` and `barrier` in the same order, with
/// tensors of the same shapes. A rank that dies takes the others with it, unless mpirun was told to
/// keep them: messages then go on between those that are left, and all else waits for ever.
class Communicator {
 public:
  /// The ranks that mpirun or srun has started, where Hebb is built with MPI; otherwise this
  /// process alone, without a call of MPI. To be asked for once in a program.
  static std::unique_ptr<Communicator> world();

  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }
  /// This rank's number among those on its host.
  virtual int rank_on_host() const { return 0; }

  /// Puts the sum over all ranks in the place of `values`, float32 or float64 (DTypeError). Terms
  /// are added in the order of ranks, each element by one rank: all ranks have the same bits.
  virtual std::unique_ptr<PendingSum> start_all_reduce(const Tensor& values) = 0;
  void all_reduce(std::span<const Tensor> tensors);

  /// What rank 0 has, on every rank; of tensors the elements, of text the length, too.
  virtual void broadcast(std::span<std::byte> bytes) = 0;
  void broadcast(std::span<const Tensor> tensors);
  void broadcast(std::string& text);

  virtual void barrier() = 0;
  /// Ends all ranks at once, this one with them; the run's exit code is `code`.
  virtual void abort(int code) = 0;
  /// Whether mpirun was told to keep the other ranks when one dies.
  virtual bool ranks_may_be_lost() const { return false; }
  /// That a rank has died: the end of this program is not to wait for it.
  void note_loss() { lost_ = true; }
  bool has_lost_ranks() const { return lost_; }

  /// Returns at once. What is sent to a rank that is dead is lost.
  template <Message M>
  void send(int rank, const M& message) {
    send_bytes(rank, std::as_bytes(std::span(&message, 1)));
  }
  /// The next message to this rank; without `wait`, nothing when none has come. All that is sent to
  /// a rank is of one type.
  template <Message M>
  std::optional<M> receive(bool wait) {
    M message{};
    if (!receive_bytes(std::as_writable_bytes(std::span(&message, 1)), wait)) return std::nullopt;
    return message;
  }
  virtual void send_bytes(int rank, std::span<const std::byte> message) = 0;
  virtual bool receive_bytes(std::span<std::byte> message, bool wait) = 0;

 protected:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}

 private:
  int rank_, size_;
  bool lost_ = false;
};

}  // namespace hebb
