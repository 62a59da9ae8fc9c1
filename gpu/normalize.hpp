#pragma once

#include <cmath>

#include "gpu/kernels.hpp"

/// What one thread computes for a channel in batch normalisation, and what then becomes of its
/// elements: the same however these lie.
namespace hebb::cuda {

struct Moments {
  double mean, variance;
};

/// y = (x - center) scale + shift
template <class T>
struct Forward {
  wide_t<T> center, scale, shift;

  /// Of an element and the residual there, if there is one; and through the ReLU.
  HEBB_HOST_DEVICE T operator()(const BatchNorm<T>& norm, T x, T residual) const {
    wide_t<T> value = (wide(x) - center) * scale + shift;
    if (norm.residual) value += wide(residual);
    return convert<T>(norm.options.relu && value < wide_t<T>(0) ? wide_t<T>(0) : value);
  }
};
template <class T>
HEBB_HOST_DEVICE inline Forward<T> forward_of(const BatchNorm<T>& norm, int64_t channel,
                                              double mean, double inverse) {
  const double slope = norm.weight ? inverse * double(norm.weight[channel]) : inverse;
  const wide_t<T> center = wide_t<T>(mean);
  return {
      center, wide_t<T>(slope),
      wide_t<T>((norm.bias ? double(norm.bias[channel]) : 0) + (double(center) - mean) * slope)};
}

/// Of a channel, when not training.
template <class T>
HEBB_HOST_DEVICE inline Moments running_moments(const BatchNorm<T>& norm, int64_t channel) {
  return {double(norm.running_mean[channel]), double(norm.running_variance[channel])};
}
template <class T>
HEBB_HOST_DEVICE inline double inverse_deviation(const BatchNorm<T>& norm, const Moments& m) {
  return 1 / std::sqrt(m.variance + norm.options.epsilon);
}
template <class T>
HEBB_HOST_DEVICE inline void move_running(T* running, double batch, double momentum) {
  *running = T((1 - momentum) * double(*running) + momentum * batch);
}
/// Writes a channel's statistics and moves those that run.
template <class T>
HEBB_HOST_DEVICE inline void keep(const BatchNorm<T>& norm, int64_t channel, const Moments& m,
                                  double inverse) {
  norm.statistics[channel] = m.mean;
  norm.statistics[norm.planes.channels + channel] = inverse;
  if (!norm.options.training) return;
  const double n = double(norm.planes.batch * norm.planes.size);
  const double momentum = norm.options.momentum;
  if (norm.running_mean) move_running(norm.running_mean + channel, m.mean, momentum);
  if (norm.running_variance)
    move_running(norm.running_variance + channel, m.variance * n / (n - 1), momentum);
}

/// dy where the ReLU, if there is one, let y through.
template <class T>
HEBB_HOST_DEVICE inline wide_t<T> masked(const BatchNormBackward<T>& norm, T dy, T y) {
  return norm.options.relu && wide(y) <= wide_t<T>(0) ? wide_t<T>(0) : wide(dy);
}

/// Of a channel: Σ g and Σ g (x - mean).
struct GradientSums {
  double sum, product;
};

/// With z = (x - mean) inverse: dx = weight inverse (g - mean(g) - z mean(g z)), as on the CPU.
template <class T>
struct Backward {
  wide_t<T> center, scale, shift, slope;

  HEBB_HOST_DEVICE T operator()(wide_t<T> g, T x) const {
    return convert<T>(scale * (g - shift - (wide(x) - center) * slope));
  }
};
template <class T>
HEBB_HOST_DEVICE inline Backward<T> backward_of(const BatchNormBackward<T>& norm, int64_t channel,
                                                const GradientSums& sums) {
  const double mean = norm.statistics[channel];
  const double inverse = norm.statistics[norm.planes.channels + channel];
  const double n = double(norm.planes.batch * norm.planes.size);
  const bool training = norm.options.training;
  const double tilt = training ? sums.product * inverse * inverse / n : 0;
  const wide_t<T> center = wide_t<T>(mean);
  return {center, wide_t<T>(norm.weight ? inverse * double(norm.weight[channel]) : inverse),
          wide_t<T>(training ? sums.sum / n + (double(center) - mean) * tilt : 0), wide_t<T>(tilt)};
}
/// Writes a channel's gradients of the parameters.
template <class T>
HEBB_HOST_DEVICE inline void keep(const BatchNormBackward<T>& norm, int64_t channel,
                                  const GradientSums& sums) {
  norm.dbias[channel] = wide_t<T>(sums.sum);
  norm.dweight[channel] = wide_t<T>(sums.product * norm.statistics[norm.planes.channels + channel]);
}

// normalize_rows.cu: planes of one position
int64_t norm_rows_scratch(const NormPlanes& planes);
template <Activation T>
void batch_norm_rows(Stream stream, const BatchNorm<T>& norm);
template <Activation T>
void batch_norm_rows_backward(Stream stream, const BatchNormBackward<T>& norm);

}  // namespace hebb::cuda
