#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Tensor CpuBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                          const Shape& shape) {
  const int64_t m = shape[0], n = shape[1], k = a.size(transpose_a ? 0 : 1);
  const Tensor y = Tensor::empty(shape, a.options());
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

Tensor CpuBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Shape& shape) {
  const int64_t rows = shape[0], outputs = shape[1], inputs = x.size(1);
  const Tensor y = Tensor::empty(shape, x.options());
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
