#include "bench/peak.hpp"

#include <algorithm>
#include <chrono>

namespace hebb::bench {
namespace {

// Enough independent chains to hide the latency of two units, few enough for the registers.
template <class V>
[[gnu::always_inline]] inline double run() {
  constexpr int chains = sizeof(V) == 64 ? 16 : 12;
  constexpr long rounds = 1'000'000;
  constexpr int lanes = sizeof(V) / sizeof(float);
  V sums[chains];
  for (V& sum : sums) sum = V{};
  V a = V{} + 0.5f, b = V{} + 1.0f;
  asm volatile("" : "+m"(a), "+m"(b));
  const auto start = std::chrono::steady_clock::now();
  for (long i = 0; i < rounds; ++i)
#pragma GCC unroll 16
    for (int c = 0; c < chains; ++c) sums[c] = sums[c] * a + b;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  for (V& sum : sums) asm volatile("" : : "m"(sum));
  return 2.0 * double(rounds) * chains * lanes / time.count() * 1e-9;
}

using V4 = float __attribute__((vector_size(16)));
#if defined(__x86_64__)
using V8 = float __attribute__((vector_size(32)));
using V16 = float __attribute__((vector_size(64)));
[[gnu::target("avx2,fma")]] double run_avx2() { return run<V8>(); }
[[gnu::target("avx512f,fma")]] double run_avx512() { return run<V16>(); }
#endif

double run_best() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return run_avx512();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return run_avx2();
#endif
  return run<V4>();
}

}  // namespace

double measure_peak() {
  double best = 0;
  for (int i = 0; i < 5; ++i) best = std::max(best, run_best());
  return best;
}

}  // namespace hebb::bench
