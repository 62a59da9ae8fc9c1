#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

void CpuBackend::uniform(const Tensor& x, double lower, double upper, RandomKey key) {
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.uniform(x.numel(), lower, upper, key, data_of<T>(x));
  });
}

void CpuBackend::normal(const Tensor& x, double mean, double stddev, RandomKey key) {
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.normal(x.numel(), mean, stddev, key, data_of<T>(x));
  });
}

void CpuBackend::truncated_normal(const Tensor& x, double stddev, double limit, RandomKey key) {
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.truncated_normal(x.numel(), stddev, limit, key, data_of<T>(x));
  });
}

}  // namespace hebb::cpu
