#include "core/cpu/kernels/table.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class T>
Kernels<T> make_kernels(bool tiles) {
  return {bean_kernels<T>(tiles),   conv2d_kernels<T>(),    dropout_kernels<T>(),
          elementwise_kernels<T>(), layout_kernels<T>(),    matmul_kernels<T>(),
          normalize_kernels<T>(),   optimizer_kernels<T>(), pool2d_kernels<T>(),
          random_kernels<T>(),      reduce_kernels<T>(),    softmax_kernels<T>()};
}

}  // namespace

/// With `tiles`, AMX is used where it pays for float32.
Kernels<float> float32_kernels(bool tiles) { return make_kernels<float>(tiles); }

#if HEBB_FLOAT64
Kernels<double> float64_kernels() { return make_kernels<double>(false); }
#endif

}  // namespace hebb::cpu::HEBB_ISA
