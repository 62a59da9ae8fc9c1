#include "core/cpu/bean/strength.hpp"

#include "core/cpu/gemm/gemm.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {

template <class T>
void connection_strength(int64_t n, int64_t width, const T* w, T gamma, T* f) {
  using V = Vec<T>;
  const auto strength = [gamma](V x) { return abs(tanh(V(gamma) * x)); };
  if constexpr (std::is_same_v<T, float>) {
    // Weights are small nearly always, and then the costlier half of tanh is not needed.
    V largest = 0.0f;
    int64_t i = 0;
    for (; i + V::lanes <= n; i += V::lanes) largest = max(abs(load(w + i)), largest);
    if (i < n) largest = max(abs(load(w + i, n - i)), largest);
    if (gamma * max_lane(largest) < 0.625f)
      map(
          n, f, [gamma](V x) { return tanh_near_zero(abs(V(gamma) * x)); }, w);
    else
      map(n, f, strength, w);
  } else {
    map(n, f, strength, w);
  }
  zero(f + n, width - n);
}

template <class T>
void strength_gradient(int64_t n, const T* w, const T* f, const T* df, T factor, T* dw) {
  using V = Vec<T>;
  const auto gradient = [factor](V x, V y, V dy) {
    return sign(x) * (V(factor) * dy * (V(T(1)) - y * y));
  };
  map(n, dw, gradient, w, f, df);
}

template <class T>
void symmetric_product(int64_t n, int64_t width, int64_t k, const T* a, const T* b, int64_t stride,
                       T* c, int64_t c_stride) {
  constexpr int64_t lanes = Vec<T>::lanes, strip = int64_t{2} * max_tile_rows;
  const int64_t work = strip * (width + 1) * (k + 1);
  const int64_t piece = std::max<int64_t>(1, (int64_t(1) << 20) / work);
  parallel_for(ceil_div(n, strip), piece, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin * strip; i < std::min(end * strip, n); i += strip) {
      const int64_t first = i / lanes * lanes;
      gemm<T>({.m = std::min(strip, n - i),
               .n = width - first,
               .k = k,
               .a = {a + i, stride, true},
               .b = {b + first, stride},
               .c = c + i * c_stride + first,
               .c_stride = c_stride});
    }
  });
  for (int64_t i = 0; i + lanes < n; i += lanes)
    transpose_copy(lanes, n - i - lanes, c + i * c_stride + i + lanes, c_stride,
                   c + (i + lanes) * c_stride + i, c_stride);
}

template void connection_strength(int64_t, int64_t, const float*, float, float*);
template void strength_gradient(int64_t, const float*, const float*, const float*, float, float*);

template void symmetric_product(int64_t, int64_t, int64_t, const float*, const float*, int64_t,
                                float*, int64_t);
#if HEBB_FLOAT64
template void connection_strength(int64_t, int64_t, const double*, double, double*);
template void strength_gradient(int64_t, const double*, const double*, const double*, double,
                                double*);
template void symmetric_product(int64_t, int64_t, int64_t, const double*, const double*, int64_t,
                                double*, int64_t);
#endif

}  // namespace hebb::cpu::HEBB_ISA
