#pragma once

#include <bit>
#include <cstdint>

#include "core/backend.hpp"
#include "core/cpu/kernels.hpp"
#include "tests/catch.hpp"

namespace hebb::test {

/// The nearest of bfloat16's numbers, of two the even one.
inline float to_bfloat16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
}

/// Whether the CPU backend multiplies bfloat16.
inline bool multiplies_bfloat16() {
  const std::string_view name = cpu::backend().name();
  return name == "cpu (amx)" || (name == "cpu (v4)" && __builtin_cpu_supports("avx512bf16"));
}
/// The same, and says so if not.
inline bool has_bfloat16_products() {
  if (multiplies_bfloat16()) return true;
  skip("no AVX512-BF16 or AMX, or other kernels than theirs");
  return false;
}

/// Whether this processor has AVX512-BF16; or says that it has not.
inline bool has_bfloat16_vectors() {
  if (__builtin_cpu_supports("avx512bf16")) return true;
  skip("no AVX512-BF16");
  return false;
}

/// A test of what multiplies bfloat16, in vectors and on tiles: `body` takes the unit.
#define HEBB_TEST_BFLOAT16(name, tag, body)                                             \
  TEST_CASE(name " in vectors", "[avx512bf16]" tag) {                                   \
    if (::hebb::test::has_bfloat16_vectors()) body(::hebb::cpu::Bfloat16Unit::vectors); \
  }                                                                                     \
  TEST_CASE(name " on tiles", "[amx]" tag) { body(::hebb::cpu::Bfloat16Unit::tiles); }

}  // namespace hebb::test
