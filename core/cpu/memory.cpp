#include <fmt/format.h>

#include <cstring>

#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
namespace {

void copy_bytes(void* to, const void* from, size_t bytes) {
  parallel_for(int64_t(bytes), 1 << 20, [=](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                size_t(end - begin));
  });
}

}  // namespace

CpuBackend::CpuBackend(std::string_view isa, const KernelTable& kernels)
    : name_(fmt::format("cpu ({})", isa)), kernels_(kernels) {}

std::string_view CpuBackend::name() const { return name_; }

void CpuBackend::synchronize() {}

void* CpuBackend::allocate(size_t bytes) { return cpu_memory::allocate(bytes); }

void CpuBackend::release(void* memory, size_t bytes) noexcept {
  cpu_memory::release(memory, bytes);
}

MemoryStats CpuBackend::memory_stats() const { return cpu_memory::stats(); }

void CpuBackend::reset_peak_memory() { cpu_memory::reset_peak(); }

void CpuBackend::release_cached_memory() { cpu_memory::trim(); }

void CpuBackend::copy_from_host(const Tensor& destination, const void* source) {
  copy_bytes(destination.data(), source, destination.bytes());
}

void CpuBackend::copy_to_host(void* destination, const Tensor& source) {
  copy_bytes(destination, source.data(), source.bytes());
}

void CpuBackend::copy(const Tensor& destination, const Tensor& source) {
  copy_bytes(destination.data(), source.data(), source.bytes());
}

void CpuBackend::fill(const Tensor& x, double value) {
  kernels_.memory.fill(x.dtype(), x.numel(), value, x.data());
}

Tensor CpuBackend::cast(const Tensor& x, DType dtype) {
  const Tensor y = Tensor::empty(x.shape(), {dtype, x.device()});
  kernels_.memory.cast(x.numel(), x.dtype(), x.data(), dtype, y.data());
  return y;
}

}  // namespace hebb::cpu
