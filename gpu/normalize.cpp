#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

// Saves x, the weight, the statistics and, for the ReLU's mask, y.
Backend::WithSaved CudaBackend::batch_norm(const Tensor& x, const Tensor& weight,
                                           const Tensor& bias, const Tensor& residual,
                                           const Tensor& mean, const Tensor& variance,
                                           const BatchNormOptions& options) {
  const NormPlanes planes = norm_planes(x.shape());
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const Tensor statistics = Tensor::empty({2, x.size(1)}, {DType::float64, x.device()});
  const Tensor partial = scratch(norm_scratch(planes));
  dispatch(x.dtype(), [&]<class T>() {
    cuda::batch_norm(stream_, BatchNorm<T>{.planes = planes,
                                           .options = options,
                                           .x = data_of<T>(x),
                                           .weight = data_or_null<T>(weight),
                                           .bias = data_or_null<T>(bias),
                                           .residual = data_or_null<T>(residual),
                                           .running_mean = data_or_null<T>(mean),
                                           .running_variance = data_or_null<T>(variance),
                                           .partial = data_of<double>(partial),
                                           .y = data_of<T>(y),
                                           .statistics = data_of<double>(statistics)});
  });
  return {y, {x, weight, statistics, options.relu ? y : Tensor()}};
}

Backend::NormGrads CudaBackend::batch_norm_backward(const Tensor& dy, const Saved& saved,
                                                    bool with_residual,
                                                    const BatchNormOptions& options) {
  const Tensor &x = saved[0], &weight = saved[1], &statistics = saved[2], &y = saved[3];
  const NormPlanes planes = norm_planes(x.shape());
  const Shape channels{x.size(1)};
  NormGrads grads = {Tensor::empty(x.shape(), x.options()),
                     Tensor::empty(channels, x.options()),
                     Tensor::empty(channels, x.options()),
                     {}};
  const bool masked = with_residual && options.relu;
  if (with_residual) grads.dresidual = masked ? Tensor::empty(x.shape(), x.options()) : dy;
  const Tensor partial = scratch(norm_scratch(planes));
  dispatch(x.dtype(), [&]<class T>() {
    cuda::batch_norm_backward(
        stream_, BatchNormBackward<T>{.planes = planes,
                                      .options = options,
                                      .dy = data_of<T>(dy),
                                      .x = data_of<T>(x),
                                      .weight = data_or_null<T>(weight),
                                      .y = data_or_null<T>(y),
                                      .statistics = data_of<double>(statistics),
                                      .partial = data_of<double>(partial),
                                      .dx = data_of<T>(grads.dx),
                                      .dweight = data_of<T>(grads.dweight),
                                      .dbias = data_of<T>(grads.dbias),
                                      .dresidual = masked ? data_of<T>(grads.dresidual) : nullptr});
  });
  return grads;
}

}  // namespace hebb::cuda
