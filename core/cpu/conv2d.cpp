#include "core/choice.hpp"
#include "core/conv_policy.hpp"
#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
namespace {

const Choices<ConvPath>& paths() {
  static const Choices<ConvPath> choices("conv2d", {{"im2col", ConvPath::im2col},
                                                    {"direct", ConvPath::direct},
                                                    {"pointwise", ConvPath::pointwise},
                                                    {"winograd-2x2", ConvPath::winograd2},
                                                    {"winograd-4x4", ConvPath::winograd4},
                                                    {"bf16", ConvPath::bfloat16}});
  return choices;
}

}  // namespace

std::string_view CpuBackend::conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                         const Shape& weight, const Shape& y,
                                         const Conv2dOptions& options) {
  return dispatch(dtype, [&]<class T>(const Kernels<T>& k) {
    return paths().name_of(
        k.conv2d_path(conv_policy(), precision_, direction, conv_geometry(x, weight, y, options)));
  });
}

Tensor CpuBackend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Shape& shape, const Conv2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
    k.conv2d(k.conv2d_path(conv_policy(), precision_, ConvDirection::forward, g), g, data_of<T>(x),
             data_of<T>(weight), data_or_null<T>(bias), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape,
                                         const Conv2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
    k.conv2d_backward_input(
        k.conv2d_path(conv_policy(), precision_, ConvDirection::backward_input, g), g,
        data_of<T>(dy), data_of<T>(weight), data_of<T>(dx));
  });
  return dx;
}

Backend::ConvGrads CpuBackend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                      const Shape& weight, bool with_bias,
                                                      const Conv2dOptions& options) {
  ConvGrads grads = {.dweight = Tensor::empty(weight, dy.options()), .dbias = {}};
  if (with_bias) grads.dbias = Tensor::empty({weight[0]}, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
    k.conv2d_backward_weight(
        k.conv2d_path(conv_policy(), precision_, ConvDirection::backward_weight, g), g,
        data_of<T>(x), data_of<T>(dy), data_of<T>(grads.dweight), data_or_null<T>(grads.dbias));
  });
  return grads;
}

}  // namespace hebb::cpu
