#include "core/cpu/kernels/random_words.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

TEST_CASE("words side by side are those of the key's blocks", "[random]") {
  // The counter's low half overflows on the way.
  const uint64_t base = 0xffffff00;
  const RandomKey key = {.seed = 42, .stream = uint64_t(7) << 33, .offset = 0xf0, .base = &base};
  const int64_t n = 2 * grain + 5;
  std::vector<uint32_t> words(n);
  for_random_words(n, key, [&](int64_t first, int64_t count, const uint32_t* from) {
    for (int64_t i = 0; i < count; ++i) words[first + i] = from[i];
  });
  bool same = true;
  for (int64_t i = 0; i < n; ++i)
    same = same && words[i] == Philox::block(42, 0xfffffff0 + uint64_t(i / 4), key.stream)[i % 4];
  CHECK(same);
}

}  // namespace
}  // namespace hebb::cpu::HEBB_ISA
