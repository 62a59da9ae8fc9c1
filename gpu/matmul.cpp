#include "core/loop_nest.hpp"
#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

Tensor CudaBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                           const Shape& shape) {
  return multiply(a, transpose_a, b, transpose_b, shape, precision_);
}

Tensor CudaBackend::multiply(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                             const Shape& shape, Precision precision) {
  const Tensor y = Tensor::empty(shape, a.options());
  const int64_t m = shape[-2], n = shape[-1], k = a.size(transpose_a ? -2 : -1);
  if (k == 0) fill(y, 0);
  if (k == 0 || y.numel() == 0) return y;
  const BroadcastLoop batches = batch_loop(shape, a.shape(), b.shape());
  const auto size = int64_t(size_of(a.dtype()));
  // In one product where each operand's matrices follow each other, or there is one.
  const int64_t count = y.numel() / (m * n), run = batches.axes[0].extent;
  for (int64_t i = 0; i < count; i += run) {
    const BroadcastPlace at = broadcast_place(batches, i);
    products_.multiply({.dtype = a.dtype(),
                        .m = m,
                        .n = n,
                        .k = k,
                        .a = {data_of<char>(a) + at.a * m * k * size, a.size(-1), transpose_a},
                        .b = {data_of<char>(b) + at.b * k * n * size, b.size(-1), transpose_b},
                        .c = data_of<char>(y) + i * m * n * size,
                        .batch = run,
                        .a_step = batches.axes[0].step_a * m * k,
                        .b_step = batches.axes[0].step_b * k * n,
                        .precision = precision});
  }
  return y;
}

Tensor CudaBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Shape& shape) {
  const Tensor y = Tensor::empty(shape, x.options());
  if (y.numel() == 0) return y;
  const int64_t replicas = shape.rank() == 3 ? shape[0] : 1;
  const int64_t m = shape[-2], n = shape[-1], k = x.size(-1);
  if (k == 0) {
    fill(y, 0);
  } else {
    products_.multiply({.dtype = x.dtype(),
                        .m = m,
                        .n = n,
                        .k = k,
                        .a = {x.data(), k},
                        .b = {weight.data(), k, true},
                        .c = y.data(),
                        .bias = replicas == 1 ? data_or_null<void>(bias) : nullptr,
                        .batch = replicas,
                        .a_step = m * k,
                        .b_step = n * k,
                        .precision = precision_});
    if (replicas == 1) return y;
  }
  if (bias.defined())
    dispatch(y.dtype(), [&]<class T>() {
      add_bias(stream_, {.replicas = replicas, .outer = m, .channels = n}, data_of<T>(bias),
               data_of<T>(y));
    });
  return y;
}

}  // namespace hebb::cuda
