#include <algorithm>
#include <bit>
#include <limits>
#include <type_traits>

#include "core/cpu/kernels/table.hpp"
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

void fill(DType dtype, int64_t n, double value, void* x) {
  dispatch_any(dtype, [&]<class T>() {
    parallel_for(n, 8 * grain,
                 [data = static_cast<T*>(x), v = convert<T>(value)](int64_t begin, int64_t end) {
                   std::fill(data + begin, data + end, v);
                 });
  });
}

void cast(int64_t n, DType from_type, const void* from, DType to_type, void* to) {
  dispatch_any(from_type, [&]<class From>() {
    dispatch_any(to_type, [&]<class To>() {
      parallel_for(n, grain,
                   [source = static_cast<const From*>(from), target = static_cast<To*>(to)](
                       int64_t begin, int64_t end) {
                     for (int64_t i = begin; i < end; ++i) target[i] = convert<To>(source[i]);
                   });
    });
  });
}

}  // namespace

MemoryKernels memory_kernels() { return {.fill = fill, .cast = cast}; }

}  // namespace hebb::cpu::HEBB_ISA
