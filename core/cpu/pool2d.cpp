#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {
// The indices are int32: positions inside a plane [H, W].
Backend::WithIndices CpuBackend::max_pool2d(const Tensor& x, const Shape& shape,
                                            const Pool2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  const Tensor indices = Tensor::empty(shape, {DType::int32, x.device()});
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.max_pool2d(pool_geometry(x.shape(), shape, options), data_of<T>(x), data_of<T>(y),
                 data_of<int32_t>(indices));
  });
  return {y, indices};
}

Tensor CpuBackend::max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                       const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.max_pool2d_backward(pool_geometry(shape, dy.shape(), options), data_of<T>(dy),
                          data_of<int32_t>(indices), data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) {
  const Tensor y = Tensor::empty(shape, x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.avg_pool2d(pool_geometry(x.shape(), shape, options), data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                                       const Pool2dOptions& options) {
  const Tensor dx = Tensor::empty(shape, dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.avg_pool2d_backward(pool_geometry(shape, dy.shape(), options), data_of<T>(dy),
                          data_of<T>(dx));
  });
  return dx;
}

}  // namespace hebb::cpu
