#include "core/cpu/cpu_backend.hpp"
#include "core/loop_nest.hpp"
#include "core/shape.hpp"

namespace hebb::cpu {

Tensor CpuBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                          const Shape& shape) {
  constexpr int64_t enough = 1 << 18;  // multiply-adds that are worth threads of their own
  const int64_t m = shape[-2], n = shape[-1], k = a.size(transpose_a ? -2 : -1);
  const Tensor y = Tensor::empty(shape, a.options());
  const BroadcastLoop batches = batch_loop(shape, a.shape(), b.shape());
  dispatch(a.dtype(), [&]<class T>(const Kernels<T>& kernels) {
    const auto multiply = [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const BroadcastPlace at = broadcast_place(batches, i);
        multiply_one(kernels, kernels.matmul,
                     {.m = m,
                      .n = n,
                      .k = k,
                      .a = {data_of<T>(a) + at.a * m * k, a.size(-1), transpose_a},
                      .b = {data_of<T>(b) + at.b * k * n, b.size(-1), transpose_b},
                      .c = data_of<T>(y) + i * m * n,
                      .c_stride = n});
      }
    };
    const int64_t count = batches.rows * batches.axes[0].extent;
    if (m * n * k >= enough)
      multiply(0, count);
    else
      parallel_for(count, enough / (m * n * k + 1), multiply);
  });
  return y;
}

Tensor CpuBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                          const Shape& shape, const LinearOptions& options) {
  const int64_t rows = shape[-2], outputs = shape[-1], inputs = x.size(-1);
  const Tensor y = Tensor::empty(shape, x.options());
  dispatch(x.dtype(), [&]<class T>(const Kernels<T>& kernels) {
    for_replicas(shape.rank() == 3 ? shape[0] : 1, [&](int64_t r) {
      multiply_one(kernels, kernels.linear,
                   {.m = rows,
                    .n = outputs,
                    .k = inputs,
                    .a = {data_of<T>(x) + r * rows * inputs, inputs},
                    .b = {data_of<T>(weight) + r * outputs * inputs, inputs, true},
                    .c = data_of<T>(y) + r * rows * outputs,
                    .c_stride = outputs,
                    .column_bias = bias.defined() ? data_of<T>(bias) + r * outputs : nullptr});
    });
    if (options.relu) kernels.unary(Unary::relu, y.numel(), data_of<T>(y), data_of<T>(y));
  });
  return y;
}

}  // namespace hebb::cpu
