#pragma once

#include "core/cpu/simd/loops.hpp"
#include "core/random.hpp"

namespace hebb::cpu::HEBB_ISA {

namespace detail {

inline constexpr int philox_blocks = 16;

/// Loops that stay loops: unrolled too early they are not made into vectors.
inline void multiply_wide(uint32_t m, const uint32_t* a, uint32_t* high, uint32_t* low) {
#pragma GCC unroll 1
  for (int i = 0; i < philox_blocks; ++i) {
    high[i] = uint32_t(uint64_t(m) * a[i] >> 32);
    low[i] = m * a[i];
  }
}

}  // namespace detail

/// Philox blocks first .. first + 15 of a key side by side; the same words as RandomKey::block.
inline void random_words(const RandomKey& key, uint64_t first, uint32_t* words) {
  constexpr int n = detail::philox_blocks;
  first += key.first();
  alignas(64) uint32_t c0[n], c1[n], c2[n], c3[n], high0[n], low0[n], high2[n], low2[n];
  for (int i = 0; i < n; ++i) {
    const uint64_t counter = first + uint64_t(i);
    c0[i] = uint32_t(counter);
    c1[i] = uint32_t(counter >> 32);
    c2[i] = uint32_t(key.stream);
    c3[i] = uint32_t(key.stream >> 32);
  }
  uint32_t k0 = uint32_t(key.seed), k1 = uint32_t(key.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    detail::multiply_wide(0xD2511F53u, c0, high0, low0);
    detail::multiply_wide(0xCD9E8D57u, c2, high2, low2);
#pragma GCC unroll 1
    for (int i = 0; i < n; ++i) {
      c0[i] = high2[i] ^ c1[i] ^ k0;
      c1[i] = low2[i];
      c2[i] = high0[i] ^ c3[i] ^ k1;
      c3[i] = low0[i];
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int64_t i = 0; i < n; ++i) {
    words[4 * i] = c0[i];
    words[4 * i + 1] = c1[i];
    words[4 * i + 2] = c2[i];
    words[4 * i + 3] = c3[i];
  }
}

/// Words that for_random_words has at hand at once.
inline constexpr int64_t random_buffer = 1024;

/// f(first, count, words) for pieces of [0, n), with the words of their elements.
template <class F>
void for_random_words(int64_t n, const RandomKey& key, F f) {
  constexpr int64_t once = int64_t{4} * detail::philox_blocks, piece = grain / 4;
  static_assert(piece % random_buffer == 0 && random_buffer % once == 0);
  parallel_for(n, piece, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[random_buffer];
    for (int64_t i = begin; i < end; i += random_buffer) {
      const int64_t count = std::min(random_buffer, end - i);
      for (int64_t w = 0; w < count; w += once) random_words(key, uint64_t(i + w) / 4, words + w);
      f(i, count, words);
    }
  });
}

}  // namespace hebb::cpu::HEBB_ISA
