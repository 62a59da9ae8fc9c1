#pragma once

#include <bit>
#include <cstdint>

namespace hebb::test {

/// The nearest of bfloat16's numbers, of two the even one.
inline float to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
}

}  // namespace hebb::test
