#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
namespace {

NormPlanes planes_of(const Shape& x) {
  return {.batch = x[0], .channels = x[1], .size = x.product(2, x.rank())};
}

}  // namespace

Backend::NormStatistics CpuBackend::batch_norm(const Tensor& x, const Tensor& weight,
                                               const Tensor& bias, double epsilon) {
  const Shape channels = {x.size(1)};
  const NormStatistics result = {Tensor::empty(x.shape(), x.options()),
                                 Tensor::empty(channels, x.options()),
                                 Tensor::empty(channels, x.options())};
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.batch_norm(planes_of(x.shape()), data_of<T>(x), data_of<T>(weight), data_of<T>(bias), epsilon,
                 data_of<T>(result.y), data_of<T>(result.mean), data_of<T>(result.inverse_std));
  });
  return result;
}

Tensor CpuBackend::batch_norm_inference(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                        const Tensor& mean, const Tensor& variance,
                                        double epsilon) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.batch_norm_inference(planes_of(x.shape()), data_of<T>(x), data_of<T>(weight),
                           data_of<T>(bias), data_of<T>(mean), data_of<T>(variance), epsilon,
                           data_of<T>(y));
  });
  return y;
}

Backend::NormGrads CpuBackend::batch_norm_backward(const Tensor& dy, const Tensor& x,
                                                   const Tensor& weight, const Tensor& mean,
                                                   const Tensor& inverse_std) {
  const NormGrads grads = {Tensor::empty(x.shape(), x.options()),
                           Tensor::empty(weight.shape(), x.options()),
                           Tensor::empty(weight.shape(), x.options())};
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.batch_norm_backward(planes_of(x.shape()), data_of<T>(dy), data_of<T>(x), data_of<T>(weight),
                          data_of<T>(mean), data_of<T>(inverse_std), data_of<T>(grads.dx),
                          data_of<T>(grads.dweight), data_of<T>(grads.dbias));
  });
  return grads;
}

}  // namespace hebb::cpu
