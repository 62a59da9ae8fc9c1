#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Tensor CpuBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b) {
  const int64_t m = a.size(transpose_a ? 1 : 0), k = a.size(transpose_a ? 0 : 1);
  const int64_t n = b.size(transpose_b ? 0 : 1);
  const Tensor y = Tensor::empty({m, n}, a.options());
  dispatch(a.dtype(), [&]<class T>(const Kernels<T>& kernels) {
    kernels.matmul({.m = m,
                    .n = n,
                    .k = k,
                    .a = {data_of<T>(a), a.size(1), transpose_a},
                    .b = {data_of<T>(b), b.size(1), transpose_b},
                    .c = data_of<T>(y),
                    .c_stride = n});
  });
  return y;
}

Tensor CpuBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t rows = x.size(0), inputs = x.size(1), outputs = weight.size(0);
  const Tensor y = Tensor::empty({rows, outputs}, x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& kernels) {
    kernels.linear({.m = rows,
                    .n = outputs,
                    .k = inputs,
                    .a = {data_of<T>(x), inputs},
                    .b = {data_of<T>(weight), inputs, true},
                    .c = data_of<T>(y),
                    .c_stride = outputs,
                    .column_bias = data_or_null<T>(bias)});
  });
  return y;
}

}  // namespace hebb::cpu
