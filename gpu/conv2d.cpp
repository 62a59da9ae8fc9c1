#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

std::string_view CudaBackend::conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                          const Shape& weight, const Shape& y,
                                          const Conv2dOptions& options) {
  const ConvGeometry g = conv_geometry(x, weight, y, options);
  if (dispatch(dtype, [&]<class T>() { return conv2d_is_direct<T>(direction, g); }))
    return "direct";
  const std::string_view engine = convolutions_.engine({direction, dtype, g});
  return engine.empty() ? "plain" : engine;
}

Tensor CudaBackend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Shape& shape, const Conv2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  if (y.numel() == 0) return y;
  constexpr ConvDirection forward = ConvDirection::forward;
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
  dispatch(x.dtype(), [&]<class T>() {
    if (conv2d_is_direct<T>(forward, g))
      return conv2d_direct(stream_, g, data_of<T>(x), data_of<T>(weight), data_or_null<T>(bias),
                           data_of<T>(y));
    if (!convolutions_.run({forward, x.dtype(), g, x.data(), weight.data(), y.data()}))
      cuda::conv2d(stream_, g, data_of<T>(x), data_of<T>(weight), data_of<T>(y));
    if (bias.defined())
      add_bias(stream_, g.batch, g.filters, g.out_h * g.out_w, data_of<T>(bias), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::conv2d_backward_input(const Tensor& dy, const Tensor& weight,
                                          const Shape& shape, const Conv2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  if (dx.numel() == 0) return dx;
  constexpr ConvDirection backward = ConvDirection::backward_input;
  const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
  dispatch(dy.dtype(), [&]<class T>() {
    if (conv2d_is_direct<T>(backward, g))
      conv2d_direct_backward_input(stream_, g, data_of<T>(dy), data_of<T>(weight), data_of<T>(dx));
    else if (!convolutions_.run({backward, dy.dtype(), g, dx.data(), weight.data(), dy.data()}))
      cuda::conv2d_backward_input(stream_, g, data_of<T>(dy), data_of<T>(weight), data_of<T>(dx));
  });
  return dx;
}

Backend::ConvGrads CudaBackend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                       const Shape& weight, bool with_bias,
                                                       const Conv2dOptions& options) {
  constexpr ConvDirection backward = ConvDirection::backward_weight;
  const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
  const Tensor dweight = Tensor::empty(weight, dy.options());
  return dispatch(dy.dtype(), [&]<class T>() -> ConvGrads {
    if (dy.numel() > 0 && conv2d_is_direct<T>(backward, g)) {
      const Tensor dbias = with_bias ? Tensor::empty({weight[0]}, dy.options()) : Tensor();
      const Tensor partial = scratch(conv2d_direct_scratch<T>(g));
      conv2d_direct_backward_weight(stream_, g, data_of<T>(x), data_of<T>(dy),
                                    data_of<double>(partial), data_of<T>(dweight),
                                    data_or_null<T>(dbias));
      return {dweight, dbias};
    }
    const Tensor dbias = with_bias ? reduce(Reduce::sum, dy, {weight[0]}, 0b1101) : Tensor();
    if (dy.numel() == 0)
      fill(dweight, 0);
    else if (!convolutions_.run({backward, dy.dtype(), g, x.data(), dweight.data(), dy.data()}))
      cuda::conv2d_backward_weight(stream_, g, data_of<T>(x), data_of<T>(dy), data_of<T>(dweight));
    return {dweight, dbias};
  });
}

}  // namespace hebb::cuda
