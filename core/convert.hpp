#pragma once

#include <bit>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "core/host_device.hpp"

/// How an element of one type becomes one of another, the same on every device.
namespace hebb {

struct BFloat16 {
  uint16_t bits;
};

HEBB_HOST_DEVICE inline float to_float(BFloat16 x) {
  return std::bit_cast<float>(uint32_t(x.bits) << 16);
}

/// To the nearest, to even bits between two.
HEBB_HOST_DEVICE inline BFloat16 to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (x != x) return {uint16_t(bits >> 16 | 0x40)};
  return {uint16_t((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

/// Floats outside an integer type's range become its nearest value, NaN becomes 0; integers wrap.
template <class To, class From>
HEBB_HOST_DEVICE inline To convert(From x) {
  if constexpr (std::is_same_v<From, To>) {
    return x;
  } else if constexpr (std::is_same_v<From, BFloat16>) {
    return convert<To>(to_float(x));
  } else if constexpr (std::is_same_v<To, BFloat16>) {
    return to_bfloat16(float(x));
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Limits = std::numeric_limits<To>;
    const From lowest = From(Limits::min()), end = 2 * static_cast<From>(To(Limits::max() / 2 + 1));
    const To whole = static_cast<To>(x >= lowest && x < end ? x : From(0));
    return x >= end ? Limits::max() : x < lowest ? Limits::min() : whole;
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace hebb
