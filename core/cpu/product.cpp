#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/gemm.hpp"

namespace hebb::cpu::HEBB_ISA {

Tensor CpuBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b) {
  const int64_t m = a.size(transpose_a ? 1 : 0), k = a.size(transpose_a ? 0 : 1);
  const int64_t n = b.size(transpose_b ? 0 : 1);
  const Tensor y = Tensor::empty({m, n}, a.options());
  dispatch_floating(a.dtype(), [&]<class T>() {
    parallel_gemm<T>(transpose_a, transpose_b, m, n, k, T(1), data_of<T>(a), a.size(1),
                     data_of<T>(b), b.size(1), T(0), data_of<T>(y), n);
  });
  return y;
}

Tensor CpuBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t rows = x.size(0), inputs = x.size(1), outputs = weight.size(0);
  const Tensor y = Tensor::empty({rows, outputs}, x.options());
  dispatch_floating(x.dtype(), [&]<class T>() {
    parallel_gemm<T>(false, true, rows, outputs, inputs, T(1), data_of<T>(x), inputs,
                     data_of<T>(weight), inputs, T(0), data_of<T>(y), outputs,
                     {.column_bias = data_or_null<T>(bias)});
  });
  return y;
}

}  // namespace hebb::cpu::HEBB_ISA
