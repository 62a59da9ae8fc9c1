#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {
namespace {

/// Where channels lie side by side, positions are rows.
NormPlanes planes_of(const Tensor& x) {
  const NormPlanes planes = norm_planes(x.shape());
  return x.layout() == Layout::row_major
             ? planes
             : NormPlanes{planes.batch * planes.size, planes.channels, 1};
}

}  // namespace

// Saves x, the weight, the statistics and, for the ReLU's mask, y.
Backend::WithSaved CudaBackend::batch_norm(const Tensor& x, const Tensor& weight,
                                           const Tensor& bias, const Tensor& residual,
                                           const Tensor& mean, const Tensor& variance,
                                           const BatchNormOptions& options) {
  const NormPlanes planes = planes_of(x);
  const Tensor added = in_layout_of(x, residual), y = empty_like(x);
  const Tensor statistics = Tensor::empty({2, x.size(1)}, {DType::float64, x.device()});
  const Tensor partial = scratch(norm_scratch(planes));
  dispatch_activations(x.dtype(), [&]<class T>() {
    using Wide = wide_t<T>;
    cuda::batch_norm(stream_, BatchNorm<T>{.planes = planes,
                                           .options = options,
                                           .x = data_of<T>(x),
                                           .residual = data_or_null<T>(added),
                                           .weight = data_or_null<Wide>(weight),
                                           .bias = data_or_null<Wide>(bias),
                                           .running_mean = data_or_null<Wide>(mean),
                                           .running_variance = data_or_null<Wide>(variance),
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
  const NormPlanes planes = planes_of(x);
  const Shape channels{x.size(1)};
  NormGrads grads = {empty_like(x),
                     Tensor::empty(channels, parameter_options(x)),
                     Tensor::empty(channels, parameter_options(x)),
                     {}};
  const bool masked = with_residual && options.relu;
  if (with_residual) grads.dresidual = masked ? empty_like(x) : dy;
  const Tensor upstream = in_layout_of(x, dy);
  const Tensor partial = scratch(norm_scratch(planes));
  dispatch_activations(x.dtype(), [&]<class T>() {
    using Wide = wide_t<T>;
    cuda::batch_norm_backward(
        stream_, BatchNormBackward<T>{.planes = planes,
                                      .options = options,
                                      .dy = data_of<T>(upstream),
                                      .x = data_of<T>(x),
                                      .y = data_or_null<T>(y),
                                      .weight = data_or_null<Wide>(weight),
                                      .statistics = data_of<double>(statistics),
                                      .partial = data_of<double>(partial),
                                      .dx = data_of<T>(grads.dx),
                                      .dresidual = masked ? data_of<T>(grads.dresidual) : nullptr,
                                      .dweight = data_of<Wide>(grads.dweight),
                                      .dbias = data_of<Wide>(grads.dbias)});
  });
  return grads;
}

}  // namespace hebb::cuda
