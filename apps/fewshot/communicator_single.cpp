#include "apps/fewshot/communicator.hpp"

/// A build without MPI: one process.
namespace hebb::apps {

Communicator::Communicator() = default;
Communicator::~Communicator() = default;
void Communicator::broadcast(std::vector<char>&) const {}
void Communicator::send_to_root(const Message&) const {}
std::optional<Communicator::Message> Communicator::receive(bool) const { return std::nullopt; }

}  // namespace hebb::apps
