#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/convert.hpp"
#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
namespace {

void copy_bytes(void* to, const void* from, size_t bytes) {
  parallel_for(int64_t(bytes), 1 << 20, [=](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                size_t(end - begin));
  });
}

template <class Function>
void dispatch_any(DType dtype, Function&& function) {
  switch (dtype) {
    case DType::float32:
      return function.template operator()<float>();
    case DType::float64:
      return function.template operator()<double>();
    case DType::int64:
      return function.template operator()<int64_t>();
    case DType::int32:
      return function.template operator()<int32_t>();
    case DType::uint8:
      return function.template operator()<uint8_t>();
    case DType::bfloat16:
      return function.template operator()<BFloat16>();
  }
}

}  // namespace

CpuBackend::CpuBackend(std::string_view isa, const KernelTable& kernels)
    : name_(fmt::format("cpu ({})", isa)), kernels_(kernels) {}

std::string_view CpuBackend::name() const { return name_; }

void CpuBackend::set_precision(Precision precision) {
  check(precision != Precision::tf32, "[precision] expected fp32 or bf16 on {}, got tf32, a GPU's",
        name_);
  check(
      precision == Precision::fp32 || kernels_.unit != Bfloat16Unit::none,
      "[precision] expected fp32 on {}, got bf16, which takes a processor with AVX512-BF16 or AMX",
      name_);
  precision_ = precision;
}

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

// Both wait for memory more than they compute, and need no kernels of an instruction set.
void CpuBackend::advance(const Tensor& counts, int64_t by) {
  int64_t* const count = data_of<int64_t>(counts);
  for (int64_t i = 0; i < counts.numel(); ++i) count[i] += by;
}

void CpuBackend::fill(const Tensor& x, double value) {
  dispatch_any(x.dtype(), [&]<class T>() {
    parallel_for(x.numel(), 1 << 18,
                 [data = static_cast<T*>(x.data()), value](int64_t begin, int64_t end) {
                   if (value == 0 && !std::signbit(value))
                     std::memset(data + begin, 0, size_t(end - begin) * sizeof(T));
                   else
                     std::fill(data + begin, data + end, convert<T>(value));
                 });
  });
}

Tensor CpuBackend::cast(const Tensor& x, DType dtype) {
  const Tensor y = Tensor::empty(x.shape(), {dtype, x.device()});
  dispatch_any(x.dtype(), [&]<class From>() {
    dispatch_any(dtype, [&]<class To>() {
      parallel_for(x.numel(), 1 << 15,
                   [from = static_cast<const From*>(x.data()), to = static_cast<To*>(y.data())](
                       int64_t begin, int64_t end) {
                     std::transform(from + begin, from + end, to + begin,
                                    [](From value) { return convert<To>(value); });
                   });
    });
  });
  return y;
}

}  // namespace hebb::cpu
