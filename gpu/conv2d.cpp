#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

std::string_view CudaBackend::conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                          const Shape& weight, const Shape& y,
                                          const Conv2dOptions& options) {
  const std::string_view engine =
      convolutions_.engine({direction, dtype, conv_geometry(x, weight, y, options)});
  return engine.empty() ? "plain" : engine;
}

Tensor CudaBackend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Shape& shape, const Conv2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  if (y.numel() == 0) return y;
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
  const bool done =
      convolutions_.run({ConvDirection::forward, x.dtype(), g, x.data(), weight.data(), y.data()});
  dispatch(x.dtype(), [&]<class T>() {
    if (!done) cuda::conv2d(stream_, g, data_of<T>(x), data_of<T>(weight), data_of<T>(y));
    if (bias.defined())
      add_bias(stream_, g.batch, g.filters, g.out_h * g.out_w, data_of<T>(bias), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::conv2d_backward_input(const Tensor& dy, const Tensor& weight,
                                          const Shape& shape, const Conv2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  if (dx.numel() == 0) return dx;
  const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
  if (convolutions_.run(
          {ConvDirection::backward_input, dy.dtype(), g, dx.data(), weight.data(), dy.data()}))
    return dx;
  dispatch(dy.dtype(), [&]<class T>() {
    cuda::conv2d_backward_input(stream_, g, data_of<T>(dy), data_of<T>(weight), data_of<T>(dx));
  });
  return dx;
}

Backend::ConvGrads CudaBackend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                       const Shape& weight, bool with_bias,
                                                       const Conv2dOptions& options) {
  ConvGrads grads = {.dweight = Tensor::empty(weight, dy.options()), .dbias = {}};
  if (with_bias) grads.dbias = reduce(Reduce::sum, dy, {weight[0]}, 0b1101);
  if (dy.numel() == 0) {
    fill(grads.dweight, 0);
    return grads;
  }
  const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
  if (!convolutions_.run({ConvDirection::backward_weight, dy.dtype(), g, x.data(),
                          grads.dweight.data(), dy.data()}))
    dispatch(dy.dtype(), [&]<class T>() {
      cuda::conv2d_backward_weight(stream_, g, data_of<T>(x), data_of<T>(dy),
                                   data_of<T>(grads.dweight));
    });
  return grads;
}

}  // namespace hebb::cuda
