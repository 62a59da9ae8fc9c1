#include <algorithm>

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
  const auto scale = [&](int64_t r) {
    return dispatch(scalar.dtype(), [&]<class T>(const Kernels<T>&) {
      return static_cast<double>(data_of<T>(scalar)[r]);
    });
  };
  bool ones = true;
  for (int64_t r = 0; r < scalar.numel(); ++r) ones = ones && scale(r) == 1;
  if (ones) return x;
  if (scalar.numel() == 1) return affine(x, scale(0), 0);
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const int64_t part = x.numel() / scalar.numel();
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    for_replicas(scalar.numel(), [&](int64_t r) {
      const T* from = data_of<T>(x) + r * part;
      if (scale(r) == 1)
        std::copy_n(from, part, data_of<T>(y) + r * part);
      else
        k.affine(part, scale(r), 0, from, data_of<T>(y) + r * part);
    });
  });
  return y;
}

}  // namespace hebb::cpu
