#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

Tensor CudaBackend::unary(Unary op, const Tensor& x) {
  const Tensor y = empty_like(x);
  dispatch_activations(x.dtype(), [&]<class T>() {
    cuda::unary(stream_, op, x.numel(), data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::unary_backward(Unary op, const Tensor& dy, const Tensor& saved) {
  const Tensor dx = empty_like(dy);
  const Tensor with = in_layout_of(dy, saved);
  dispatch_activations(dy.dtype(), [&]<class T>() {
    cuda::unary_backward(stream_, op, dy.numel(), data_of<T>(dy), data_or_null<T>(with),
                         data_of<T>(dx));
  });
  return dx;
}

// Elements that meet at one place of both may lie in any order; what is stretched lies by rows.
Tensor CudaBackend::binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) {
  const Tensor left = a.shape() == b.shape() ? a : a.row_major();
  const Tensor right = b.with_layout(left.layout());
  const Tensor y = Tensor::empty(shape, a.options(), left.layout());
  dispatch_activations(a.dtype(), [&]<class T>() {
    cuda::binary(stream_, op, broadcast_loop(shape, a.shape(), b.shape()), data_of<T>(left),
                 data_of<T>(right), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::affine(const Tensor& x, double scale, double shift) {
  const Tensor y = empty_like(x);
  dispatch_activations(x.dtype(), [&]<class T>() {
    cuda::affine(stream_, x.numel(), scale, shift, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

void CudaBackend::add_scaled(const Tensor& y, const Tensor& x, double scale) {
  const Tensor added = in_layout_of(y, x);
  dispatch_activations(x.dtype(), [&]<class T>() {
    cuda::add_scaled(stream_, x.numel(), scale, data_of<T>(added), data_of<T>(y));
  });
}

// Never looks at the scalar: that would be to wait for the device.
Tensor CudaBackend::scale_by(const Tensor& x, const Tensor& scalar) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const bool wide = scalar.dtype() == DType::float64;
  dispatch(x.dtype(), [&]<class T>() {
    cuda::scale_by(stream_, x.numel(), x.numel() / scalar.numel(),
                   wide ? nullptr : data_of<float>(scalar),
                   wide ? data_of<double>(scalar) : nullptr, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

}  // namespace hebb::cuda
