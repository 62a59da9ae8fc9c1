#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/host_device.hpp"

namespace HEBB_API hebb {

/// Philox4x32-10 (Salmon et al., SC 2011): four random words from a 128-bit counter and a 64-bit
/// key, the same on every device.
struct Philox {
  using Block = std::array<uint32_t, 4>;

  HEBB_HOST_DEVICE static Block block(uint64_t key, uint64_t counter, uint64_t stream = 0) {
    uint32_t c0 = uint32_t(counter), c1 = uint32_t(counter >> 32);
    uint32_t c2 = uint32_t(stream), c3 = uint32_t(stream >> 32);
    uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t(0xD2511F53u) * c0;
      const uint64_t b = uint64_t(0xCD9E8D57u) * c2;
      c0 = uint32_t(b >> 32) ^ c1 ^ k0;
      c1 = uint32_t(b);
      c2 = uint32_t(a >> 32) ^ c3 ^ k1;
      c3 = uint32_t(a);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    return {c0, c1, c2, c3};
  }
};

/// A word as a float in [0, 1) with 24 random bits.
HEBB_HOST_DEVICE inline float to_unit_float(uint32_t word) {
  return float(word >> 8) * (1.0f / 16777216.0f);
}

/// Where a run of random numbers begins: number i of the run is word i % 4 of block
/// first() + i / 4. Kernels take one of these and need no state.
struct RandomKey {
  uint64_t seed = 0;
  uint64_t stream = 0;
  uint64_t offset = 0;
  /// In memory of the device that draws, and added to the offset there: what is queued once may be
  /// repeated with other numbers. Null: 0.
  const uint64_t* base = nullptr;

  HEBB_HOST_DEVICE uint64_t first() const { return base ? *base + offset : offset; }
  HEBB_HOST_DEVICE Philox::Block block(uint64_t index) const {
    return Philox::block(seed, first() + index, stream);
  }
};

/// A generator of random numbers whose whole state is three integers: seed, stream and how many
/// blocks of four words have been used. The same seed gives the same numbers on every device and
/// for every number of threads.
class Generator {
 public:
  explicit Generator(uint64_t seed = 0, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// Sets `words` random words aside for the caller.
  RandomKey reserve(int64_t words);

  /// From here on keys count from *base, which has to hold, where and when they are used, the
  /// offset that the generator has now. Null: they count from 0 again. The words are the same
  /// either way. A generator with a base draws none itself (ValueError): it may not be the host's
  /// to read.
  void set_base(const uint64_t* base);

  /// An independent generator with the same seed, told apart by `stream`, which may be any number
  /// that names its purpose (a run, an epoch, a layer).
  Generator split(uint64_t stream) const;
  /// As split, with a seed of its own: 64 random bits of that generator. Serves what takes a seed.
  Generator fork(uint64_t stream) const;
  uint64_t seed() const { return seed_; }

  uint32_t word();   ///< One word of 32 random bits.
  double uniform();  ///< In [0, 1), 53 bits.
  double uniform(double lower, double upper);
  double normal();               ///< Mean 0, variance 1 (Box-Muller).
  int64_t below(int64_t bound);  ///< In [0, bound), without bias. ValueError when bound < 1.
  /// 0..n-1 in random order (Fisher-Yates).
  std::vector<int64_t> permutation(int64_t n);
  void permutation(std::span<int64_t> order);  ///< The same, of order.size() items, into `order`.

  struct State {
    uint64_t seed, stream, offset;
    friend bool operator==(const State&, const State&) = default;
  };
  State state() const { return {seed_, stream_, offset_}; }
  /// Leaves the base.
  void set_state(const State& state);

 private:
  Philox::Block next_block();

  uint64_t seed_, stream_, offset_ = 0;
  const uint64_t* base_ = nullptr;
  uint64_t base_offset_ = 0;  // the offset that *base_ stands for
};

}  // namespace hebb
