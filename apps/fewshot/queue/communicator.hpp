#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace hebb::apps {

/// What can be sent as its bytes.
template <class T>
concept Message = std::is_trivially_copyable_v<T> && std::is_default_constructible_v<T>;

/// The processes that `mpirun` has started, where Hebb was built with MPI; otherwise this one
/// alone, and no call of MPI. One thread at a time may use it. All ranks send one type of message.
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

  template <Message M>
  void send_to_root(const M& message) const {
    send(std::as_bytes(std::span(&message, 1)));
  }
  /// On rank 0, the next message of the others; without `wait`, nothing when none has come.
  template <Message M>
  std::optional<M> receive(bool wait) const {
    M message{};
    if (!receive(std::as_writable_bytes(std::span(&message, 1)), wait)) return std::nullopt;
    return message;
  }

 private:
  void send(std::span<const std::byte> message) const;
  bool receive(std::span<std::byte> message, bool wait) const;

  int rank_ = 0, size_ = 1, exceptions_ = 0;
};

}  // namespace hebb::apps
