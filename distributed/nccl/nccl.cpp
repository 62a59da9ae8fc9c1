#include "distributed/nccl/nccl.hpp"

#include <vector>

#include "core/check.hpp"
#include "distributed/slices.hpp"
#include "gpu/kernels.hpp"
#include "gpu/recording.hpp"
#include "gpu/runtime.hpp"

namespace hebb {
namespace {

nccl::Id share_id(Communicator& ranks) {
  nccl::Id id{};
  if (ranks.is_root()) id = nccl::make_id();
  ranks.broadcast(std::as_writable_bytes(std::span(id)));
  return id;
}

// Stays until its stream has come to its end, whose work is on these tensors.
class DeviceSum final : public PendingSum {
 public:
  DeviceSum(Tensor values, Tensor terms, cuda::Stream work, cuda::Stream stream)
      : values_(std::move(values)), terms_(std::move(terms)), work_(work), stream_(stream) {}
  ~DeviceSum() override {
    if (!terms_.defined()) return;
    try {
      cuda::synchronize(stream_);
    } catch (const Error&) {  // then nothing runs there any more
    }
  }

  void advance() override {}
  void wait() override {
    if (!terms_.defined()) return;
    cuda::wait_for(work_, stream_);
    terms_ = {};
  }

 private:
  Tensor values_, terms_;
  cuda::Stream work_, stream_;
};

// A tensor's elements in slices, and their bytes.
struct Pieces {
  char* data;
  size_t size;  // of an element
  Slices slices;

  char* at(int rank) const { return data + size_t(slices.first(rank)) * size; }
  size_t bytes(int rank) const { return size_t(slices.count(rank)) * size; }
};

template <class T>
void add_rows(cuda::Stream stream, int ranks, int64_t count, const char* rows, char* sum) {
  for (int rank = 1; rank < ranks; ++rank)
    cuda::add_scaled(stream, count, 1.0, reinterpret_cast<const T*>(rows) + rank * count,
                     reinterpret_cast<T*>(sum));
}

}  // namespace

NcclCommunicator::NcclCommunicator(Communicator& host, int device)
    : Communicator(host.rank(), host.size()),
      host_(host),
      work_(cuda::stream_of(device)),
      stream_(cuda::create_stream(device)),
      group_(share_id(host), host.rank(), host.size(), stream_) {}

NcclCommunicator::~NcclCommunicator() = default;

std::unique_ptr<PendingSum> NcclCommunicator::start_all_reduce(const Tensor& values) {
  if (values.device() != Device::cuda(work_.device)) return host_.start_all_reduce(values);
  check<DTypeError>(is_wide(values.dtype()), "[all_reduce] expected floats, got {}", values);
  if (size() == 1) return std::make_unique<DeviceSum>(values, Tensor(), work_, stream_);
  cuda::stop_recording("it adds up over ranks");
  const Pieces whole{
      static_cast<char*>(values.data()), size_of(values.dtype()), {values.numel(), size()}};
  const int64_t mine = whole.slices.count(rank());
  const Tensor terms = Tensor::empty({size(), mine}, values.options());
  char* const rows = static_cast<char*>(terms.data());
  const size_t row = whole.bytes(rank());

  cuda::wait_for(stream_, work_);  // for the terms' memory, too, which others may have had
  auto sum = std::make_unique<DeviceSum>(values, terms, work_, stream_);
  std::vector<nccl::Transfer> gather, spread;
  for (int other = 0; other < size(); ++other) {
    if (other == rank()) continue;
    gather.push_back({other, whole.at(other), whole.bytes(other), rows + size_t(other) * row, row});
    spread.push_back({other, whole.at(rank()), row, whole.at(other), whole.bytes(other)});
  }
  group_.exchange(gather);
  cuda::copy_on_device(stream_, rows + size_t(rank()) * row, whole.at(rank()), row);
  cuda::copy_on_device(stream_, whole.at(rank()), rows, row);
  if (values.dtype() == DType::float32)
    add_rows<float>(stream_, size(), mine, rows, whole.at(rank()));
  else
    add_rows<double>(stream_, size(), mine, rows, whole.at(rank()));
  group_.exchange(spread);
  return sum;
}

}  // namespace hebb
