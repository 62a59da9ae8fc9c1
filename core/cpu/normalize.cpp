#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
// Saves x, the weight, the statistics and, for the ReLU's mask, y.
Backend::WithSaved CpuBackend::batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                          const Tensor& residual, const Tensor& mean,
                                          const Tensor& variance, const BatchNormOptions& options) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const Tensor statistics = Tensor::empty({2, x.size(1)}, {.dtype = DType::float64});
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.batch_norm(norm_planes(x.shape()), options, data_of<T>(x), data_or_null<T>(weight),
                 data_or_null<T>(bias), data_or_null<T>(residual), data_or_null<T>(mean),
                 data_or_null<T>(variance), data_of<T>(y), data_of<double>(statistics));
  });
  return {y, {x, weight, statistics, options.relu ? y : Tensor()}};
}

Backend::NormGrads CpuBackend::batch_norm_backward(const Tensor& dy, const Saved& saved,
                                                   bool with_residual,
                                                   const BatchNormOptions& options) {
  const Tensor &x = saved[0], &weight = saved[1], &statistics = saved[2], &y = saved[3];
  const Shape channels{x.size(1)};
  NormGrads grads = {Tensor::empty(x.shape(), x.options()),
                     Tensor::empty(channels, x.options()),
                     Tensor::empty(channels, x.options()),
                     {}};
  const bool masked = with_residual && options.relu;
  if (with_residual) grads.dresidual = masked ? Tensor::empty(x.shape(), x.options()) : dy;
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.batch_norm_backward(norm_planes(x.shape()), options, data_of<T>(dy), data_of<T>(x),
                          data_or_null<T>(weight), data_or_null<T>(y), data_of<double>(statistics),
                          data_of<T>(grads.dx), data_of<T>(grads.dweight), data_of<T>(grads.dbias),
                          masked ? data_of<T>(grads.dresidual) : nullptr);
  });
  return grads;
}

}  // namespace hebb::cpu
