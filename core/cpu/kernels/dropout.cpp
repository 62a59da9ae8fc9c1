#include <cmath>

#include "core/cpu/kernels/random_words.hpp"
#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class T>
void dropout(int64_t size, double p, RandomKey key, const T* x, T* y) {
  using V = Vec<T>;
  // u >= p for u = (word >> 8) / 2^24, in whole numbers.
  const uint32_t threshold = uint32_t(std::ceil(p * 16777216.0));
  for_random_words(size, key, [&](int64_t first, int64_t n, const uint32_t* words) {
    T kept[random_buffer];
    for (int64_t i = 0; i < n; ++i) kept[i] = T(words[i] >> 8 >= threshold);
    const V scale = T(1 / (1 - p));
    map(
        n, y + first, [=](V a, V k) { return a * (k * scale); }, x + first, kept);
  });
}

}  // namespace

template <class T>
DropoutKernels<T> dropout_kernels() {
  return {.dropout = dropout<T>};
}

template DropoutKernels<float> dropout_kernels();
#if HEBB_FLOAT64
template DropoutKernels<double> dropout_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
