#include <cmath>

#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// x [N, C, ...] as planes: channel c of sample n begins at (n * channels + c) * size.
struct Planes {
  int64_t batch, channels, size;

  explicit Planes(const Shape& x) : batch(x[0]), channels(x[1]), size(x.product(2, x.rank())) {}
  double values() const { return double(batch * size); }  // in a channel
  int64_t at(int64_t n, int64_t c) const { return (n * channels + c) * size; }

  template <class F>
  void for_each_channel(F f) const {
    parallel_for(channels, row_grain(batch * size), [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) f(c);
    });
  }
};

}  // namespace

Backend::NormStatistics CpuBackend::batch_norm(const Tensor& x, const Tensor& weight,
                                               const Tensor& bias, double epsilon) {
  const Planes planes(x.shape());
  const Shape channels = {planes.channels};
  const NormStatistics result = {Tensor::empty(x.shape(), x.options()),
                                 Tensor::empty(channels, x.options()),
                                 Tensor::empty(channels, x.options())};
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const T* in = data_of<T>(x);
    T* out = data_of<T>(result.y);
    planes.for_each_channel([&](int64_t c) {
      double sum = 0, squares = 0;
      for (int64_t n = 0; n < planes.batch; ++n)
        sum += sum_of<T>(
            planes.size, [](V a) { return a; }, in + planes.at(n, c));
      const double exact_mean = sum / planes.values();
      const V mean = T(exact_mean);
      for (int64_t n = 0; n < planes.batch; ++n)
        squares += sum_of<T>(
            planes.size, [mean](V a) { return (a - mean) * (a - mean); }, in + planes.at(n, c));
      const double rounding = exact_mean - double(mean[0]);
      const double variance = squares / planes.values() - rounding * rounding;
      const double inverse_std = 1 / std::sqrt(std::max(variance, 0.0) + epsilon);
      data_of<T>(result.mean)[c] = mean[0];
      data_of<T>(result.inverse_std)[c] = T(inverse_std);
      const V scale = T(inverse_std * double(data_of<T>(weight)[c])), shift = data_of<T>(bias)[c];
      for (int64_t n = 0; n < planes.batch; ++n)
        map(
            planes.size, out + planes.at(n, c), [=](V a) { return (a - mean) * scale + shift; },
            in + planes.at(n, c));
    });
  });
  return result;
}

Tensor CpuBackend::batch_norm_inference(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                        const Tensor& mean, const Tensor& variance,
                                        double epsilon) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const Planes planes(x.shape());
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    parallel_for(
        planes.batch * planes.channels, row_grain(planes.size), [&](int64_t begin, int64_t end) {
          for (int64_t i = begin; i < end; ++i) {
            const int64_t c = i % planes.channels;
            const double std = std::sqrt(double(data_of<T>(variance)[c]) + epsilon);
            const V scale = T(double(data_of<T>(weight)[c]) / std);
            const V center = data_of<T>(mean)[c], shift = data_of<T>(bias)[c];
            map(
                planes.size, data_of<T>(y) + i * planes.size,
                [=](V a) { return (a - center) * scale + shift; }, data_of<T>(x) + i * planes.size);
          }
        });
  });
  return y;
}

// With z = (x - mean) inverse_std: dx = weight inverse_std (dy - mean(dy) - z mean(dy z)).
Backend::NormGrads CpuBackend::batch_norm_backward(const Tensor& dy, const Tensor& x,
                                                   const Tensor& weight, const Tensor& mean,
                                                   const Tensor& inverse_std) {
  const Planes planes(x.shape());
  const NormGrads grads = {Tensor::empty(x.shape(), x.options()),
                           Tensor::empty(weight.shape(), x.options()),
                           Tensor::empty(weight.shape(), x.options())};
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const T* in = data_of<T>(x);
    const T* d = data_of<T>(dy);
    T* out = data_of<T>(grads.dx);
    planes.for_each_channel([&](int64_t c) {
      const V center = data_of<T>(mean)[c];
      const double inverse = double(data_of<T>(inverse_std)[c]);
      double dbias = 0, dweight = 0;
      for (int64_t n = 0; n < planes.batch; ++n) {
        const int64_t at = planes.at(n, c);
        dbias += sum_of<T>(
            planes.size, [](V a) { return a; }, d + at);
        dweight += sum_of<T>(
            planes.size, [center](V a, V b) { return a * (b - center); }, d + at, in + at);
      }
      dweight *= inverse;
      data_of<T>(grads.dbias)[c] = T(dbias);
      data_of<T>(grads.dweight)[c] = T(dweight);
      const V scale = T(double(data_of<T>(weight)[c]) * inverse);
      const V shift = T(dbias / planes.values()), slope = T(dweight * inverse / planes.values());
      for (int64_t n = 0; n < planes.batch; ++n) {
        const int64_t at = planes.at(n, c);
        map(
            planes.size, out + at,
            [=](V a, V b) { return scale * (a - shift - (b - center) * slope); }, d + at, in + at);
      }
    });
  });
  return grads;
}

}  // namespace hebb::cpu::HEBB_ISA
