#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Tensor CpuBackend::dropout(const Tensor& x, std::span<const DropoutMask> masks) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const int64_t part = x.numel() / std::ssize(masks);
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    for_replicas(std::ssize(masks), [&](int64_t r) {
      const DropoutMask& mask = masks[size_t(r)];
      k.dropout(part, mask.p, mask.key, data_of<T>(x) + r * part, data_of<T>(y) + r * part);
    });
  });
  return y;
}

}  // namespace hebb::cpu
