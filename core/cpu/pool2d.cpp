#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
namespace {

PoolGeometry geometry(const Shape& x, const Shape& y, const Pool2dOptions& o) {
  return {.planes = x[0] * x[1],
          .height = x[2],
          .width = x[3],
          .kernel_h = o.kernel_h,
          .kernel_w = o.kernel_w,
          .stride_h = o.stride_h,
          .stride_w = o.stride_w,
          .pad_h = o.pad_h,
          .pad_w = o.pad_w,
          .out_h = y[2],
          .out_w = y[3]};
}

}  // namespace

// The indices are int32: positions inside a plane [H, W].
Backend::WithIndices CpuBackend::max_pool2d(const Tensor& x, const Shape& shape,
                                            const Pool2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  const Tensor indices = Tensor::empty(shape, {DType::int32, x.device()});
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.max_pool2d(geometry(x.shape(), shape, options), data_of<T>(x), data_of<T>(y),
                 data_of<int32_t>(indices));
  });
  return {y, indices};
}

Tensor CpuBackend::max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                       const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.max_pool2d_backward(geometry(shape, dy.shape(), options), data_of<T>(dy),
                          data_of<int32_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.avg_pool2d(geometry(x.shape(), shape, options), data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                                       const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.avg_pool2d_backward(geometry(shape, dy.shape(), options), data_of<T>(dy), data_of<T>(dx));
  });
  return dx;
}

}  // namespace hebb::cpu
