#include "core/random_fill.hpp"

#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/random_words.hpp"

namespace hebb::cpu::HEBB_ISA {

void CpuBackend::uniform(const Tensor& x, double lower, double upper, RandomKey key) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* data = data_of<T>(x);
    for_random_words(x.numel(), key, [=](int64_t first, int64_t n, const uint32_t* words) {
      for (int64_t i = 0; i < n; ++i) data[first + i] = T(uniform_number(words[i], lower, upper));
    });
  });
}

void CpuBackend::normal(const Tensor& x, double mean, double stddev, RandomKey key) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* data = data_of<T>(x);
    for_random_words(x.numel(), key, [=](int64_t first, int64_t n, const uint32_t* words) {
      for (int64_t i = 0; i < n; i += 2) {
        const NormalPair z = normal_pair(words[i], words[i + 1]);
        data[first + i] = T(mean + stddev * z.first);
        if (i + 1 < n) data[first + i + 1] = T(mean + stddev * z.second);
      }
    });
  });
}

void CpuBackend::truncated_normal(const Tensor& x, double stddev, double limit, RandomKey key) {
  const double tail = normal_tail(limit);
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* data = data_of<T>(x);
    for_random_words(x.numel(), key, [=](int64_t first, int64_t n, const uint32_t* words) {
      for (int64_t i = 0; i < n; ++i)
        data[first + i] = T(stddev * truncated_normal_number(words[i], limit, tail));
    });
  });
}

}  // namespace hebb::cpu::HEBB_ISA
