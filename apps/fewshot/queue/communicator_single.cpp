#include "apps/fewshot/queue/communicator.hpp"

/// A build without MPI: one process.
namespace hebb::apps {

Communicator::Communicator() = default;
Communicator::~Communicator() = default;
void Communicator::broadcast(std::vector<char>&) const {}
void Communicator::send(std::span<const std::byte>) const {}
bool Communicator::receive(std::span<std::byte>, bool) const { return false; }

}  // namespace hebb::apps
