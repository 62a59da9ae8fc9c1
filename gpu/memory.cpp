#include <cstring>

#include "core/convert.hpp"
#include "gpu/cuda_backend.hpp"
#include "gpu/recording.hpp"

namespace hebb::cuda {
namespace {

template <class T>
uint64_t bits_of(double value) {
  const T x = convert<T>(value);
  uint64_t bits = 0;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}

uint64_t bits_of(DType dtype, double value) {
  switch (dtype) {
    case DType::float32:
      return bits_of<float>(value);
    case DType::float64:
      return bits_of<double>(value);
    case DType::int64:
      return bits_of<int64_t>(value);
    case DType::int32:
      return bits_of<int32_t>(value);
    case DType::uint8:
      return bits_of<uint8_t>(value);
    case DType::bfloat16:
      return bits_of<BFloat16>(value);
  }
  return 0;
}

}  // namespace

void CudaBackend::synchronize() {
  stop_recording("it waits for the device");
  cuda::synchronize(stream_);
  raise_complaint();
}

void CudaBackend::raise_complaint() {
  const Complaint c = *complaint_;
  if (c.place == Complaint::none) return;
  complaint_->place = Complaint::none;
  if (c.place == Complaint::cross_entropy)
    fail("[cross_entropy] expected labels in [0, {}), got {} at row {}", c.end, c.value, c.at);
  fail("[{}] expected indices in [{}, {}), got {} at {}",
       c.place == Complaint::gather        ? "gather"
       : c.place == Complaint::gather_rows ? "gather_rows"
                                           : "make_batch",
       c.begin, c.end, c.value, c.at);
}

void* CudaBackend::allocate(size_t bytes) { return memory_.allocate(bytes); }

void CudaBackend::release(void* memory, size_t bytes) noexcept { memory_.release(memory, bytes); }

MemoryStats CudaBackend::memory_stats() const {
  const CachingAllocator::Stats stats = memory_.stats();
  return {stats.source_calls, int64_t(stats.lent + stats.kept), int64_t(stats.lent),
          int64_t(stats.peak)};
}

void CudaBackend::reset_peak_memory() { memory_.reset_peak(); }

void CudaBackend::release_cached_memory() {
  stop_recording("it gives memory back");
  memory_.trim();
}

void CudaBackend::copy_from_host(const Tensor& destination, const void* source) {
  stop_recording("it copies from the host");
  copy_to_device(stream_, destination.data(), source, destination.bytes());
}

void CudaBackend::copy_to_host(void* destination, const Tensor& source) {
  stop_recording("it copies to the host, and waits");
  cuda::copy_to_host(stream_, destination, source.data(), source.bytes());
  raise_complaint();
}

void CudaBackend::copy(const Tensor& destination, const Tensor& source) {
  copy_on_device(stream_, destination.data(), source.data(), destination.bytes());
}

void CudaBackend::advance(const Tensor& counts, int64_t by) {
  cuda::advance(stream_, counts.numel(), by, data_of<int64_t>(counts));
}

void CudaBackend::fill(const Tensor& x, double value) {
  cuda::fill(stream_, x.numel(), int(size_of(x.dtype())), bits_of(x.dtype(), value), x.data());
}

Tensor CudaBackend::cast(const Tensor& x, DType dtype) {
  const Tensor from = x.row_major(), y = Tensor::empty(x.shape(), {dtype, x.device()});
  cuda::cast(stream_, x.numel(), x.dtype(), from.data(), dtype, y.data());
  return y;
}

}  // namespace hebb::cuda
