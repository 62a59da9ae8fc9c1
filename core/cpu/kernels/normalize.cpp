#include <cmath>

#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

double values(const NormPlanes& planes) { return double(planes.batch * planes.size); }
int64_t at(const NormPlanes& planes, int64_t n, int64_t c) {
  return (n * planes.channels + c) * planes.size;
}

template <class F>
void for_each_channel(const NormPlanes& planes, F f) {
  parallel_for(planes.channels, row_grain(planes.batch * planes.size),
               [&](int64_t begin, int64_t end) {
                 for (int64_t c = begin; c < end; ++c) f(c);
               });
}

template <class T>
void batch_norm(const NormPlanes& planes, const T* x, const T* weight, const T* bias,
                double epsilon, T* y, T* mean, T* inverse_std) {
  using V = Vec<T>;
  for_each_channel(planes, [&](int64_t c) {
    double sum = 0, squares = 0;
    for (int64_t n = 0; n < planes.batch; ++n)
      sum += sum_of<T>(
          planes.size, [](V a) { return a; }, x + at(planes, n, c));
    const double exact_mean = sum / values(planes);
    const V center = T(exact_mean);
    for (int64_t n = 0; n < planes.batch; ++n)
      squares += sum_of<T>(
          planes.size, [center](V a) { return (a - center) * (a - center); }, x + at(planes, n, c));
    const double rounding = exact_mean - double(center[0]);
    const double variance = squares / values(planes) - rounding * rounding;
    const double inverse = 1 / std::sqrt(std::max(variance, 0.0) + epsilon);
    mean[c] = center[0];
    inverse_std[c] = T(inverse);
    const V scale = T(inverse * double(weight[c])), shift = bias[c];
    for (int64_t n = 0; n < planes.batch; ++n)
      map(
          planes.size, y + at(planes, n, c), [=](V a) { return (a - center) * scale + shift; },
          x + at(planes, n, c));
  });
}

template <class T>
void batch_norm_inference(const NormPlanes& planes, const T* x, const T* weight, const T* bias,
                          const T* mean, const T* variance, double epsilon, T* y) {
  using V = Vec<T>;
  parallel_for(planes.batch * planes.channels, row_grain(planes.size),
               [&](int64_t begin, int64_t end) {
                 for (int64_t i = begin; i < end; ++i) {
                   const int64_t c = i % planes.channels;
                   const double std = std::sqrt(double(variance[c]) + epsilon);
                   const V scale = T(double(weight[c]) / std);
                   const V center = mean[c], shift = bias[c];
                   map(
                       planes.size, y + i * planes.size,
                       [=](V a) { return (a - center) * scale + shift; }, x + i * planes.size);
                 }
               });
}

// With z = (x - mean) inverse_std: dx = weight inverse_std (dy - mean(dy) - z mean(dy z)).
template <class T>
void batch_norm_backward(const NormPlanes& planes, const T* dy, const T* x, const T* weight,
                         const T* mean, const T* inverse_std, T* dx, T* dweight, T* dbias) {
  using V = Vec<T>;
  for_each_channel(planes, [&](int64_t c) {
    const V center = mean[c];
    const double inverse = double(inverse_std[c]);
    double sum = 0, product = 0;
    for (int64_t n = 0; n < planes.batch; ++n) {
      const int64_t first = at(planes, n, c);
      sum += sum_of<T>(
          planes.size, [](V a) { return a; }, dy + first);
      product += sum_of<T>(
          planes.size, [center](V a, V b) { return a * (b - center); }, dy + first, x + first);
    }
    product *= inverse;
    dbias[c] = T(sum);
    dweight[c] = T(product);
    const V scale = T(double(weight[c]) * inverse);
    const V shift = T(sum / values(planes)), slope = T(product * inverse / values(planes));
    for (int64_t n = 0; n < planes.batch; ++n) {
      const int64_t first = at(planes, n, c);
      map(
          planes.size, dx + first,
          [=](V a, V b) { return scale * (a - shift - (b - center) * slope); }, dy + first,
          x + first);
    }
  });
}

}  // namespace

template <class T>
NormalizeKernels<T> normalize_kernels() {
  return {.batch_norm = batch_norm<T>,
          .batch_norm_inference = batch_norm_inference<T>,
          .batch_norm_backward = batch_norm_backward<T>};
}

template NormalizeKernels<float> normalize_kernels();
template NormalizeKernels<double> normalize_kernels();

}  // namespace hebb::cpu::HEBB_ISA
