#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Tensor CpuBackend::dropout(const Tensor& x, double p, RandomKey key) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.dropout(x.numel(), p, key, data_of<T>(x), data_of<T>(y));
  });
  return y;
}

}  // namespace hebb::cpu
