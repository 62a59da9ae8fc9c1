#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {
namespace {

/// Replica r's part of a tensor.
template <class T>
T* part(const Tensor& x, int64_t replicas, int64_t r) {
  return data_of<T>(x) + x.numel() / replicas * r;
}

}  // namespace

std::string_view CudaBackend::conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                          const Shape& weight, const Shape& y,
                                          const Conv2dOptions& options) {
  const ConvGeometry g = conv_geometry(x, weight, y, options);
  if (dtype == DType::bfloat16) {
    const std::string_view engine = bfloat16_engine(direction, g);
    return engine.empty() ? conv2d_path(direction, DType::float32, x, weight, y, options) : engine;
  }
  if (dispatch(dtype, [&]<class T>() { return conv2d_is_direct<T>(direction, g); }))
    return "direct";
  const std::string_view engine = convolutions_.engine({direction, dtype, g, float32_precision()});
  return engine.empty() ? "plain" : engine;
}

Tensor CudaBackend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Shape& shape, const Conv2dOptions& options) {
  constexpr ConvDirection forward = ConvDirection::forward;
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
  if (shape.numel() > 0 && x.dtype() == DType::bfloat16 && !conv2d_is_direct<float>(forward, g))
    return convolve(x, weight, bias, shape, options);
  const Tensor y = Tensor::empty(shape, x.options());
  if (y.numel() == 0) return y;
  const int64_t replicas = conv_replicas(weight.shape());
  dispatch_activations(x.dtype(), [&]<class T>() {
    using Wide = wide_t<T>;
    if (conv2d_is_direct<Wide>(forward, g)) {
      const Tensor from = x.row_major();
      return conv2d_direct(stream_, replicas, g, data_of<T>(from), data_of<Wide>(weight),
                           data_or_null<Wide>(bias), data_of<T>(y));
    }
    if constexpr (std::is_same_v<T, Wide>) {
      for (int64_t r = 0; r < replicas; ++r) {
        T *from = part<T>(x, replicas, r), *w = part<T>(weight, replicas, r);
        T* to = part<T>(y, replicas, r);
        if (!convolutions_.run({forward, x.dtype(), g, float32_precision(), from, w, to}))
          cuda::conv2d(stream_, g, from, w, to);
      }
      if (bias.defined())
        add_bias(stream_, {replicas, g.batch, g.filters, g.out_h * g.out_w}, data_of<T>(bias),
                 data_of<T>(y));
    }
  });
  return y;
}

Tensor CudaBackend::conv2d_backward_input(const Tensor& dy, const Tensor& weight,
                                          const Shape& shape, const Conv2dOptions& options) {
  constexpr ConvDirection backward = ConvDirection::backward_input;
  const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
  if (shape.numel() > 0 && dy.dtype() == DType::bfloat16 && !conv2d_is_direct<float>(backward, g))
    return convolve_backward_input(dy, weight, shape, options);
  const Tensor dx = Tensor::empty(shape, dy.options());
  if (dx.numel() == 0) return dx;
  const int64_t replicas = conv_replicas(weight.shape());
  dispatch_activations(dy.dtype(), [&]<class T>() {
    using Wide = wide_t<T>;
    if (conv2d_is_direct<Wide>(backward, g)) {
      const Tensor from = dy.row_major();
      return conv2d_direct_backward_input<T>(stream_, replicas, g, {data_of<T>(from)},
                                             data_of<Wide>(weight), data_of<T>(dx));
    }
    if constexpr (std::is_same_v<T, Wide>)
      for (int64_t r = 0; r < replicas; ++r) {
        T *from = part<T>(dy, replicas, r), *w = part<T>(weight, replicas, r);
        T* to = part<T>(dx, replicas, r);
        if (!convolutions_.run({backward, dy.dtype(), g, float32_precision(), to, w, from}))
          cuda::conv2d_backward_input(stream_, g, from, w, to);
      }
  });
  return dx;
}

Backend::WeightGrads CudaBackend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                         const Shape& weight, bool with_bias,
                                                         const Conv2dOptions& options) {
  constexpr ConvDirection backward = ConvDirection::backward_weight;
  const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
  const TensorOptions of_parameters = parameter_options(dy);
  const Tensor dweight = Tensor::empty(weight, of_parameters);
  const int64_t replicas = conv_replicas(weight);
  const Shape bias(weight.extents().first(size_t(weight.rank() - 3)));
  return dispatch_activations(dy.dtype(), [&]<class T>() -> WeightGrads {
    using Wide = wide_t<T>;
    if (dy.numel() > 0 && conv2d_is_direct<Wide>(backward, g)) {
      const Tensor from = x.row_major(), of_y = dy.row_major();
      const Tensor dbias = with_bias ? Tensor::empty(bias, of_parameters) : Tensor();
      const Tensor partial = scratch(replicas * conv2d_direct_scratch<Wide>(g));
      conv2d_direct_backward_weight<T>(stream_, replicas, g, data_of<T>(from), {data_of<T>(of_y)},
                                       data_of<double>(partial), data_of<Wide>(dweight),
                                       data_or_null<Wide>(dbias));
      return {dweight, dbias};
    }
    const uint32_t all_but_filters = weight.rank() == 5 ? 0b11010 : 0b1101;
    const Tensor dbias = with_bias ? reduce(Reduce::sum, dy, bias, all_but_filters) : Tensor();
    if (dy.numel() == 0) {
      fill(dweight, 0);
      return {dweight, dbias};
    }
    if constexpr (std::is_same_v<T, BFloat16>) {
      convolve_backward_weight(dy, x, dweight, options);
    } else {
      for (int64_t r = 0; r < replicas; ++r) {
        T *from = part<T>(x, replicas, r), *of_y = part<T>(dy, replicas, r);
        T* to = part<T>(dweight, replicas, r);
        if (!convolutions_.run({backward, dy.dtype(), g, float32_precision(), from, to, of_y}))
          cuda::conv2d_backward_weight(stream_, g, from, of_y, to);
      }
    }
    return {dweight, dbias};
  });
}

}  // namespace hebb::cuda
