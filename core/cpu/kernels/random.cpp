#include "core/random_fill.hpp"

#include "core/cpu/kernels/random_words.hpp"
#include "core/cpu/kernels/table.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class T>
void uniform(int64_t size, double lower, double upper, RandomKey key, T* x) {
  for_random_words(size, key, [=](int64_t first, int64_t n, const uint32_t* words) {
    for (int64_t i = 0; i < n; ++i) x[first + i] = T(uniform_number(words[i], lower, upper));
  });
}

template <class T>
void normal(int64_t size, double mean, double stddev, RandomKey key, T* x) {
  for_random_words(size, key, [=](int64_t first, int64_t n, const uint32_t* words) {
    for (int64_t i = 0; i < n; i += 2) {
      const NormalPair z = normal_pair(words[i], words[i + 1]);
      x[first + i] = T(mean + stddev * z.first);
      if (i + 1 < n) x[first + i + 1] = T(mean + stddev * z.second);
    }
  });
}

template <class T>
void truncated_normal(int64_t size, double stddev, double limit, RandomKey key, T* x) {
  const double tail = normal_tail(limit);
  for_random_words(size, key, [=](int64_t first, int64_t n, const uint32_t* words) {
    for (int64_t i = 0; i < n; ++i)
      x[first + i] = T(stddev * truncated_normal_number(words[i], limit, tail));
  });
}

}  // namespace

template <class T>
RandomKernels<T> random_kernels() {
  return {.uniform = uniform<T>, .normal = normal<T>, .truncated_normal = truncated_normal<T>};
}

template RandomKernels<float> random_kernels();
#if HEBB_FLOAT64
template RandomKernels<double> random_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
