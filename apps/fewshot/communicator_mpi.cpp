#include <mpi.h>

#include <cstdlib>
#include <exception>
#include <type_traits>

#include "apps/fewshot/communicator.hpp"
#include "core/check.hpp"

namespace hebb::apps {
namespace {

static_assert(std::is_trivially_copyable_v<Communicator::Message>);

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

void Communicator::send_to_root(const Message& message) const {
  MPI_Send(&message, sizeof message, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
}

std::optional<Communicator::Message> Communicator::receive(bool wait) const {
  if (size_ == 1) return std::nullopt;
  int waiting = wait;
  if (!wait) MPI_Iprobe(MPI_ANY_SOURCE, 0, MPI_COMM_WORLD, &waiting, MPI_STATUS_IGNORE);
  if (!waiting) return std::nullopt;
  Message message;
  MPI_Recv(&message, sizeof message, MPI_BYTE, MPI_ANY_SOURCE, 0, MPI_COMM_WORLD,
           MPI_STATUS_IGNORE);
  return message;
}

}  // namespace hebb::apps
