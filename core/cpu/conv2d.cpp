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
                                                    {"bf16-avx512", ConvPath::bfloat16_vectors},
                                                    {"bf16-amx", ConvPath::bfloat16_tiles}});
  return choices;
}

}  // namespace

std::string_view CpuBackend::name_of(ConvPath path) { return paths().name_of(path); }

std::string_view CpuBackend::conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                         const Shape& weight, const Shape& y,
                                         const Conv2dOptions& options) {
  return dispatch(dtype, [&]<class T>(const Kernels<T>& k) {
    return name_of(
        k.conv2d_path(conv_policy(), unit(), direction, conv_geometry(x, weight, y, options)));
  });
}

Tensor CpuBackend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Shape& shape, const Conv2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
    const int64_t replicas = conv_replicas(weight.shape());
    const Parts<T> xs(x, replicas), weights(weight, replicas), biases(bias, replicas),
        ys(y, replicas);
    for_replicas(replicas,
                 [&, of = k.conv2d_path(conv_policy(), unit(), ConvDirection::forward, g)](
                     int64_t r) { k.conv2d(of, g, xs[r], weights[r], biases[r], ys[r]); });
  });
  return y;
}

Tensor CpuBackend::conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape,
                                         const Conv2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
    const int64_t replicas = conv_replicas(weight.shape());
    const Parts<T> dys(dy, replicas), weights(weight, replicas), dxs(dx, replicas);
    for_replicas(replicas,
                 [&, of = k.conv2d_path(conv_policy(), unit(), ConvDirection::backward_input, g)](
                     int64_t r) { k.conv2d_backward_input(of, g, dys[r], weights[r], dxs[r]); });
  });
  return dx;
}

Backend::WeightGrads CpuBackend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                        const Shape& weight, bool with_bias,
                                                        const Conv2dOptions& options) {
  WeightGrads grads = {.dweight = Tensor::empty(weight, dy.options()), .dbias = {}};
  if (with_bias)
    grads.dbias =
        Tensor::empty(Shape(weight.extents().first(size_t(weight.rank() - 3))), dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
    const int64_t replicas = conv_replicas(weight);
    const Parts<T> xs(x, replicas), dys(dy, replicas), dweights(grads.dweight, replicas),
        dbiases(grads.dbias, replicas);
    for_replicas(replicas, [&, of = k.conv2d_path(conv_policy(), unit(),
                                                  ConvDirection::backward_weight, g)](int64_t r) {
      k.conv2d_backward_weight(of, g, xs[r], dys[r], dweights[r], dbiases[r]);
    });
  });
  return grads;
}

}  // namespace hebb::cpu
