#include "distributed/nccl/group.hpp"

#include <cstring>

#include "distributed/nccl/library.hpp"
#include "gpu/launch.hpp"
#include "gpu/status.hpp"

namespace hebb::nccl {
namespace {

void require(ncclResult_t status, const char* call) {
  if (status != ncclSuccess)
    cuda::fail_status(cuda::Library::nccl, status, cuda::ncclGetErrorString(status), call);
}

// Sends and receives between its making and `end` go at once. What fails among them is said once it
// is closed, or NCCL would take all later calls for parts of it.
class Together {
 public:
  Together() { require(cuda::ncclGroupStart(), "ncclGroupStart"); }
  void take(ncclResult_t status, const char* call) {
    if (failed_ || status == ncclSuccess) return;
    failed_ = call;
    status_ = status;
  }
  void end() {
    const ncclResult_t status = cuda::ncclGroupEnd();
    if (failed_) require(status_, failed_);
    require(status, "ncclGroupEnd");
  }

 private:
  ncclResult_t status_ = ncclSuccess;
  const char* failed_ = nullptr;
};

}  // namespace

Id make_id() {
  ncclUniqueId id;
  static_assert(sizeof id == sizeof(Id));
  require(cuda::ncclGetUniqueId(&id), "ncclGetUniqueId");
  Id bytes;
  std::memcpy(bytes.data(), &id, sizeof id);
  return bytes;
}

struct Group::Connection {
  cuda::Stream stream;
  ncclComm_t communicator = nullptr;
};

Group::Group(const Id& id, int rank, int size, cuda::Stream stream)
    : connection_(new Connection{stream}) {
  ncclUniqueId bytes;
  std::memcpy(&bytes, id.data(), sizeof bytes);
  cuda::activate(stream);
  require(cuda::ncclCommInitRank(&connection_->communicator, size, bytes, rank),
          "ncclCommInitRank");
}

// And not ncclCommDestroy, which waits for ranks that may have failed.
Group::~Group() {
  if (connection_->communicator) cuda::ncclCommAbort(connection_->communicator);
}

void Group::exchange(std::span<const Transfer> transfers) {
  const auto stream = static_cast<cudaStream_t>(connection_->stream.handle);
  cuda::activate(connection_->stream);
  Together together;
  for (const Transfer& t : transfers) {
    if (t.sent > 0)
      together.take(
          cuda::ncclSend(t.from, t.sent, ncclUint8, t.peer, connection_->communicator, stream),
          "ncclSend");
    if (t.received > 0)
      together.take(
          cuda::ncclRecv(t.to, t.received, ncclUint8, t.peer, connection_->communicator, stream),
          "ncclRecv");
  }
  together.end();
}

}  // namespace hebb::nccl
