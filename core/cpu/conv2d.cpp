#include "core/cpu/conv2d/paths.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/pool2d.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

int64_t out_extent(int64_t in, int64_t pad, int64_t kernel, int64_t dilation, int64_t stride) {
  return (in + 2 * pad - dilation * (kernel - 1) - 1) / stride + 1;
}

ConvGeometry geometry(const Shape& x, const Shape& weight, const Conv2dOptions& o) {
  return {.batch = x[0],
          .channels = x[1],
          .height = x[2],
          .width = x[3],
          .filters = weight[0],
          .kernel_h = weight[2],
          .kernel_w = weight[3],
          .stride_h = o.stride_h,
          .stride_w = o.stride_w,
          .pad_h = o.pad_h,
          .pad_w = o.pad_w,
          .dilation_h = o.dilation_h,
          .dilation_w = o.dilation_w,
          .out_h = out_extent(x[2], o.pad_h, weight[2], o.dilation_h, o.stride_h),
          .out_w = out_extent(x[3], o.pad_w, weight[3], o.dilation_w, o.stride_w)};
}

PoolGeometry geometry(const Shape& x, const Pool2dOptions& o) {
  return {.planes = x[0] * x[1],
          .height = x[2],
          .width = x[3],
          .kernel_h = o.kernel_h,
          .kernel_w = o.kernel_w,
          .stride_h = o.stride_h,
          .stride_w = o.stride_w,
          .pad_h = o.pad_h,
          .pad_w = o.pad_w,
          .out_h = out_extent(x[2], o.pad_h, o.kernel_h, 1, o.stride_h),
          .out_w = out_extent(x[3], o.pad_w, o.kernel_w, 1, o.stride_w)};
}

}  // namespace

Tensor CpuBackend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Conv2dOptions& options) {
  const ConvGeometry g = geometry(x.shape(), weight.shape(), options);
  const Tensor y = Tensor::empty({g.batch, g.filters, g.out_h, g.out_w}, x.options());
  dispatch_floating(x.dtype(), [&]<class T>() {
    conv2d_forward<T>(g, data_of<T>(x), data_of<T>(weight), data_or_null<T>(bias), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& x,
                                         const Conv2dOptions& options) {
  const Tensor dx = Tensor::empty(x, dy.options());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    HEBB_ISA::conv2d_backward_input<T>(geometry(x, weight.shape(), options), data_of<T>(dy),
                                       data_of<T>(weight), data_of<T>(dx));
  });
  return dx;
}

Backend::ConvGrads CpuBackend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                      const Shape& weight, bool with_bias,
                                                      const Conv2dOptions& options) {
  ConvGrads grads = {.dweight = Tensor::empty(weight, dy.options()), .dbias = {}};
  if (with_bias) grads.dbias = Tensor::empty({weight[0]}, dy.options());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    HEBB_ISA::conv2d_backward_weight<T>(geometry(x.shape(), weight, options), data_of<T>(x),
                                        data_of<T>(dy), data_of<T>(grads.dweight),
                                        data_or_null<T>(grads.dbias));
  });
  return grads;
}

// The indices are int32: positions inside a plane [H, W].
Backend::WithIndices CpuBackend::max_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const PoolGeometry g = geometry(x.shape(), options);
  const Shape shape = {x.size(0), x.size(1), g.out_h, g.out_w};
  const Tensor y = Tensor::empty(shape, x.options());
  const Tensor indices = Tensor::empty(shape, {DType::int32, x.device()});
  dispatch_floating(x.dtype(), [&]<class T>() {
    max_pool2d_forward<T>(g, data_of<T>(x), data_of<T>(y), data_of<int32_t>(indices));
  });
  return {y, indices};
}

Tensor CpuBackend::max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& x,
                                       const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(x, dy.options());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    HEBB_ISA::max_pool2d_backward<T>(geometry(x, options), data_of<T>(dy),
                                     data_of<int32_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::avg_pool2d(const Tensor& x, const Pool2dOptions& options) {
  const PoolGeometry g = geometry(x.shape(), options);
  const Tensor y = Tensor::empty({x.size(0), x.size(1), g.out_h, g.out_w}, x.options());
  dispatch_floating(x.dtype(),
                    [&]<class T>() { avg_pool2d_forward<T>(g, data_of<T>(x), data_of<T>(y)); });
  return y;
}

Tensor CpuBackend::avg_pool2d_backward(const Tensor& dy, const Shape& x,
                                       const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(x, dy.options());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    HEBB_ISA::avg_pool2d_backward<T>(geometry(x, options), data_of<T>(dy), data_of<T>(dx));
  });
  return dx;
}

}  // namespace hebb::cpu::HEBB_ISA
