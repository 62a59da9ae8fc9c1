#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

struct BFloat16 {
  uint16_t bits;
};

float to_float(BFloat16 x) { return std::bit_cast<float>(uint32_t(x.bits) << 16); }

// To the nearest, to even bits between two.
BFloat16 to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (x != x) return {uint16_t(bits >> 16 | 0x40)};
  return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// Floats outside an integer type's range become its nearest value, NaN becomes 0; integers wrap.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (std::is_same_v<From, BFloat16>) {
    return convert<To>(to_float(x));
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return to_bfloat16(float(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    const From lowest = From(Limits::min()), end = 2 * From(Limits::max() / 2 + 1);
    const To whole = static_cast<To>(x >= lowest && x < end ? x : From(0));
    return x >= end ? Limits::max() : x < lowest ? Limits::min() : whole;
  } else {
    return static_cast<To>(x);
  }
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

void copy_bytes(void* to, const void* from, size_t bytes) {
  parallel_for(int64_t(bytes), 1 << 20, [=](int64_t begin, int64_t end) {
    std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                size_t(end - begin));
  });
}

}  // namespace

Backend& backend() {
  // Never destroyed: statics may free tensors to the very end.
  static CpuBackend* instance = new CpuBackend(false);
  return *instance;
}

#if HEBB_AMX
Backend& amx_backend() {
  static CpuBackend* instance = new CpuBackend(true);
  return *instance;
}
#endif

std::string_view CpuBackend::name() const {
#if HEBB_AMX
  if (tiles_) return "cpu (amx)";
#endif
  return "cpu (" HEBB_ISA_NAME ")";
}

void CpuBackend::synchronize() {}

void* CpuBackend::allocate(size_t bytes) { return cpu_memory::allocate(bytes); }

void CpuBackend::release(void* memory, size_t bytes) noexcept {
  cpu_memory::release(memory, bytes);
}

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
  dispatch_any(x.dtype(), [&]<class T>() {
    T* data = data_of<T>(x);
    parallel_for(x.numel(), 8 * grain, [data, v = convert<T>(value)](int64_t begin, int64_t end) {
      std::fill(data + begin, data + end, v);
    });
  });
}

Tensor CpuBackend::cast(const Tensor& x, DType dtype) {
  const Tensor y = Tensor::empty(x.shape(), {dtype, x.device()});
  dispatch_any(x.dtype(), [&]<class From>() {
    dispatch_any(dtype, [&]<class To>() {
      const From* from = data_of<From>(x);
      To* to = data_of<To>(y);
      parallel_for(x.numel(), grain, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) to[i] = convert<To>(from[i]);
      });
    });
  });
  return y;
}

}  // namespace hebb::cpu::HEBB_ISA
