#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Tensor CpuBackend::dropout(const Tensor& x, double p, std::span<const RandomKey> keys) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const int64_t part = x.numel() / std::ssize(keys);
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    for_replicas(std::ssize(keys), [&](int64_t r) {
      k.dropout(part, p, keys[size_t(r)], data_of<T>(x) + r * part, data_of<T>(y) + r * part);
    });
  });
  return y;
}

}  // namespace hebb::cpu
