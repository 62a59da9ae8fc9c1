#include <mpi.h>

#include <cstdlib>
#include <exception>

#include "apps/fewshot/queue/communicator.hpp"
#include "core/check.hpp"

namespace hebb::apps {
namespace {

// Set by Open MPI, MPICH and Slurm for what they start.
bool started_by_mpirun() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"})
    if (std::getenv(name)) return true;
  return false;
}

}  // namespace

Communicator::Communicator() : exceptions_(std::uncaught_exceptions()) {
  if (!started_by_mpirun()) return;
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  check(provided >= MPI_THREAD_SERIALIZED, "[mpi] expected a library that threads may call");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

Communicator::~Communicator() {
  if (!started_by_mpirun()) return;
  if (std::uncaught_exceptions() > exceptions_ && size_ > 1) MPI_Abort(MPI_COMM_WORLD, 1);
  MPI_Finalize();
}

void Communicator::broadcast(std::vector<char>& bytes) const {
  if (size_ == 1) return;
  MPI_Bcast(bytes.data(), int(bytes.size()), MPI_CHAR, 0, MPI_COMM_WORLD);
}

void Communicator::send(std::span<const std::byte> message) const {
  if (size_ == 1) return;
  MPI_Send(message.data(), int(message.size()), MPI_BYTE, 0, 0, MPI_COMM_WORLD);
}

bool Communicator::receive(std::span<std::byte> message, bool wait) const {
  if (size_ == 1) return false;
  int waiting = wait;
  if (!wait) MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &waiting, MPI_STATUS_IGNORE);
  if (!waiting) return false;
  MPI_Recv(message.data(), int(message.size()), MPI_BYTE, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD,
           MPI_STATUS_IGNORE);
  return true;
}

}  // namespace hebb::apps
