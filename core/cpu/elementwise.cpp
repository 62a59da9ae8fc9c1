#include "core/cpu/cpu_backend.hpp"
#include "core/loop_nest.hpp"

namespace hebb::cpu {

Tensor CpuBackend::unary(Unary op, const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.unary(op, x.numel(), data_of<T>(x), data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::unary_backward(Unary op, const Tensor& dy, const Tensor& saved) {
  const Tensor dx = Tensor::empty(dy.shape(), dy.options());
  dispatch(dy.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.unary_backward(op, dy.numel(), data_of<T>(dy), data_or_null<T>(saved), data_of<T>(dx));
  });
  return dx;
}

Tensor CpuBackend::binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) {
  const Tensor y = Tensor::empty(shape, a.options());
  dispatch(a.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.binary(op, broadcast_loop(shape, a.shape(), b.shape()), data_of<T>(a), data_of<T>(b),
             data_of<T>(y));
  });
  return y;
}

Tensor CpuBackend::affine(const Tensor& x, double scale, double shift) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.affine(x.numel(), scale, shift, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

void CpuBackend::add_scaled(const Tensor& y, const Tensor& x, double scale) {
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.add_scaled(x.numel(), scale, data_of<T>(x), data_of<T>(y));
  });
}

Tensor CpuBackend::scale_by(const Tensor& x, const Tensor& scalar) {
  const double scale = dispatch(scalar.dtype(), [&]<class T>(const Kernels<T>&) {
    return static_cast<double>(*data_of<T>(scalar));
  });
  return scale == 1 ? x : affine(x, scale, 0);
}

}  // namespace hebb::cpu
