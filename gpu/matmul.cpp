#include "core/loop_nest.hpp"
#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

Tensor CudaBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                           const Shape& shape) {
  const Tensor y = Tensor::empty(shape, a.options());
  const int64_t m = shape[-2], n = shape[-1], k = a.size(transpose_a ? -2 : -1);
  if (k == 0) fill(y, 0);
  if (k == 0 || y.numel() == 0) return y;
  const BroadcastLoop batches = batch_loop(shape, a.shape(), b.shape());
  const auto size = int64_t(size_of(a.dtype()));
  for (int64_t i = 0; i < y.numel() / (m * n); ++i) {
    const BroadcastPlace at = broadcast_place(batches, i);
    products_.multiply({.dtype = a.dtype(),
                        .m = m,
                        .n = n,
                        .k = k,
                        .a = {data_of<char>(a) + at.a * m * k * size, a.size(-1), transpose_a},
                        .b = {data_of<char>(b) + at.b * k * n * size, b.size(-1), transpose_b},
                        .c = data_of<char>(y) + i * m * n * size});
  }
  return y;
}

Tensor CudaBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Shape& shape) {
  const Tensor y = Tensor::empty(shape, x.options());
  if (y.numel() == 0) return y;
  if (x.size(1) == 0) {
    fill(y, 0);
    if (bias.defined())
      dispatch(y.dtype(), [&]<class T>() {
        add_bias(stream_, shape[0], shape[1], 1, data_of<T>(bias), data_of<T>(y));
      });
    return y;
  }
  products_.multiply({.dtype = x.dtype(),
                      .m = shape[0],
                      .n = shape[1],
                      .k = x.size(1),
                      .a = {x.data(), x.size(1)},
                      .b = {weight.data(), weight.size(1), true},
                      .c = y.data(),
                      .bias = data_or_null<void>(bias)});
  return y;
}

}  // namespace hebb::cuda
