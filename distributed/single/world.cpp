#include "distributed/single/single.hpp"

/// A build without MPI.
namespace hebb {

std::unique_ptr<Communicator> Communicator::world() {
  return std::make_unique<SingleCommunicator>();
}

}  // namespace hebb
