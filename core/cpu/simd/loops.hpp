#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

#include "core/cpu/simd/integers.hpp"
#include "core/cpu/simd/vector.hpp"
#include "core/parallel.hpp"

/// Loops over contiguous elements, in vectors. Functions take and return Vec<T>.
namespace hebb::cpu::HEBB_ISA {

/// Elements of cheap work that are worth a thread.
inline constexpr int64_t grain = 1 << 15;

/// Rows of `width` elements that are worth a thread.
constexpr int64_t row_grain(int64_t width) { return larger(1, grain / (width + 1)); }

/// y[i] = f(x[i]...)
template <class T, class F, class... X>
inline void map(int64_t n, T* y, F f, const X*... x) {
  using V = Vec<Number<T>>;
  int64_t i = 0;
  for (; i + V::lanes <= n; i += V::lanes) store(y + i, V(f(load(x + i)...)));
  if (i < n) store(y + i, V(f(load(x + i, n - i)...)), n - i);
}

/// The same on several threads.
template <class T, class F, class... X>
inline void parallel_map(int64_t n, T* y, F f, const X*... x) {
  parallel_for(n, grain,
               [&](int64_t begin, int64_t end) { map(end - begin, y + begin, f, (x + begin)...); });
}

/// The first n lanes of a, and `rest` in the others.
template <class T>
inline Vec<T> first_lanes(Vec<T> a, int64_t n, T rest) {
  using I = typename detail::Element<T>::Integer;
  constexpr int64_t lanes = Vec<T>::lanes;
  static constexpr auto window = [] {
    std::array<I, 2 * lanes> bits{};
    for (int64_t i = 0; i < lanes; ++i) bits[i] = -1;
    return bits;
  }();
  typename Vec<T>::Mask mask;
  __builtin_memcpy(&mask, window.data() + lanes - n, sizeof(mask));
  return select(mask, a, Vec<T>(rest));
}

/// Σ f(x[i]...): partial sums of 64 elements in each lane, then in double. The order depends on
/// the width of the vectors alone.
template <class T, class F, class... X>
inline double sum_of(int64_t n, F f, const X*... x) {
  constexpr int64_t lanes = Vec<T>::lanes, block = 256 * lanes;
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t end = std::min(begin + block, n);
    Vec<T> s0 = T(0), s1 = T(0), s2 = T(0), s3 = T(0);
    int64_t i = begin;
    for (; i + 4 * lanes <= end; i += 4 * lanes) {
      s0 += f(load(x + i)...);
      s1 += f(load(x + i + lanes)...);
      s2 += f(load(x + i + 2 * lanes)...);
      s3 += f(load(x + i + 3 * lanes)...);
    }
    for (; i + lanes <= end; i += lanes) s0 += f(load(x + i)...);
    if (i < end) s1 += first_lanes(Vec<T>(f(load(x + i, end - i)...)), end - i, T(0));
    total += double(sum((s0 + s1) + (s2 + s3)));
  }
  return total;
}

/// y[i] = f(x[i]...); Σ y[i], added up as by sum_of.
template <class T, class F, class... X>
inline double map_sum(int64_t n, T* y, F f, const X*... x) {
  constexpr int64_t lanes = Vec<T>::lanes, block = 128 * lanes;
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += block) {
    const int64_t end = std::min(begin + block, n);
    Vec<T> s0 = T(0), s1 = T(0);
    int64_t i = begin;
    for (; i + 2 * lanes <= end; i += 2 * lanes) {
      const Vec<T> y0 = f(load(x + i)...), y1 = f(load(x + i + lanes)...);
      store(y + i, y0);
      store(y + i + lanes, y1);
      s0 += y0;
      s1 += y1;
    }
    for (; i < end; i += lanes) {
      const int64_t left = std::min(lanes, end - i);
      const Vec<T> last = first_lanes(Vec<T>(f(load(x + i, left)...)), left, T(0));
      store(y + i, last, left);
      s0 += last;
    }
    total += double(sum(s0 + s1));
  }
  return total;
}

}  // namespace hebb::cpu::HEBB_ISA
