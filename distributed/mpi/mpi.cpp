#include "distributed/mpi/mpi.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "core/check.hpp"
#include "distributed/mpi/sliced_sum.hpp"
#include "distributed/single/single.hpp"

namespace hebb {
namespace {

constexpr int message_tag = 0;

}  // namespace

std::unique_ptr<Communicator> Communicator::world() {
  if (!MpiCommunicator::was_started()) return std::make_unique<SingleCommunicator>();
  return MpiCommunicator::start();
}

// Set by Open MPI, MPICH and Slurm for what they start.
bool MpiCommunicator::was_started() {
  constexpr std::array names = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_RANK"};
  return std::ranges::any_of(names, [](const char* name) { return std::getenv(name) != nullptr; });
}

std::unique_ptr<MpiCommunicator> MpiCommunicator::start() {
  int provided = 0, rank = 0, size = 1;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &provided);
  check(provided >= MPI_THREAD_SERIALIZED, "[mpi] expected a library that threads may call");
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  return std::unique_ptr<MpiCommunicator>(new MpiCommunicator(rank, size));
}

// Elsewhere an error ends all ranks, as it must where they work in step.
MpiCommunicator::MpiCommunicator(int rank, int size) : Communicator(rank, size) {
  MPI_Comm_dup(MPI_COMM_WORLD, &messages_);
  MPI_Comm_set_errhandler(messages_, MPI_ERRORS_RETURN);
  MPI_Comm host = MPI_COMM_NULL;
  MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank, MPI_INFO_NULL, &host);
  MPI_Comm_rank(host, &rank_on_host_);
  MPI_Comm_free(&host);
}

MpiCommunicator::~MpiCommunicator() {
  for (Sent& sent : sent_) MPI_Wait(&sent.request, MPI_STATUS_IGNORE);
  MPI_Finalize();
}

std::unique_ptr<PendingSum> MpiCommunicator::start_all_reduce(const Tensor& values) {
  return std::make_unique<SlicedSum>(values, rank(), size(), reductions_++);
}

void MpiCommunicator::broadcast(std::span<std::byte> bytes) {
  constexpr size_t piece = 1 << 30;  // counts are ints
  for (size_t at = 0; at < bytes.size(); at += piece)
    MPI_Bcast(bytes.data() + at, int(std::min(piece, bytes.size() - at)), MPI_BYTE, 0,
              MPI_COMM_WORLD);
}

void MpiCommunicator::barrier() { MPI_Barrier(MPI_COMM_WORLD); }

// An mpirun that keeps ranks does not end them by MPI_Abort, and calls every end a success: but for
// its own, and what has started this rank is mpirun, or what it has on this host.
void MpiCommunicator::abort(int code) {
  if (code != 0 && ranks_may_be_lost()) {
    kill(getppid(), SIGTERM);
    std::this_thread::sleep_for(std::chrono::seconds(5));
  }
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

bool MpiCommunicator::ranks_may_be_lost() const {
  const char* const kept = std::getenv("OMPI_MCA_orte_enable_recovery");
  return kept && kept != std::string_view("0") && kept != std::string_view("false");
}

void MpiCommunicator::send_bytes(int rank, std::span<const std::byte> message) {
  std::erase_if(sent_, [](Sent& sent) {
    int complete = 0;
    return MPI_Test(&sent.request, &complete, MPI_STATUS_IGNORE) != MPI_SUCCESS || complete;
  });
  sent_.push_back({MPI_REQUEST_NULL, {message.begin(), message.end()}});
  Sent& sent = sent_.back();
  MPI_Isend(sent.message.data(), int(message.size()), MPI_BYTE, rank, message_tag, messages_,
            &sent.request);
}

bool MpiCommunicator::receive_bytes(std::span<std::byte> message, bool wait) {
  if (size() == 1) return false;
  int waiting = wait;
  if (!wait) MPI_Iprobe(MPI_ANY_SOURCE, message_tag, messages_, &waiting, MPI_STATUS_IGNORE);
  if (!waiting) return false;
  return MPI_Recv(message.data(), int(message.size()), MPI_BYTE, MPI_ANY_SOURCE, message_tag,
                  messages_, MPI_STATUS_IGNORE) == MPI_SUCCESS;
}

}  // namespace hebb
