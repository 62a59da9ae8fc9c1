#include "core/loop_nest.hpp"
#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

Tensor CudaBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                           const Shape& shape) {
  return multiply(a, transpose_a, b, transpose_b, shape, float32_precision(),
                  parameter_options(a).dtype);
}

Tensor CudaBackend::multiply(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                             const Shape& shape, Precision precision, DType result) {
  const Tensor y = Tensor::empty(shape, {result, a.device()});
  const int64_t m = shape[-2], n = shape[-1], k = a.size(transpose_a ? -2 : -1);
  if (k == 0) fill(y, 0);
  if (k == 0 || y.numel() == 0) return y;
  const BroadcastLoop batches = batch_loop(shape, a.shape(), b.shape());
  const auto size = int64_t(size_of(a.dtype())), result_size = int64_t(size_of(result));
  // In one product where each operand's matrices follow each other, or there is one.
  const int64_t count = y.numel() / (m * n), run = batches.axes[0].extent;
  for (int64_t i = 0; i < count; i += run) {
    const BroadcastPlace at = broadcast_place(batches, i);
    products_.multiply({.dtype = a.dtype(),
                        .result = result,
                        .m = m,
                        .n = n,
                        .k = k,
                        .a = {data_of<char>(a) + at.a * m * k * size, a.size(-1), transpose_a},
                        .b = {data_of<char>(b) + at.b * k * n * size, b.size(-1), transpose_b},
                        .c = data_of<char>(y) + i * m * n * result_size,
                        .batch = run,
                        .a_step = batches.axes[0].step_a * m * k,
                        .b_step = batches.axes[0].step_b * k * n,
                        .precision = precision});
  }
  return y;
}

// What goes beside a product is of its result's type, and parameters are of float32: with them the
// result is, too, and rounded once.
Tensor CudaBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                           const Shape& shape, const LinearOptions& options) {
  if (x.dtype() != DType::bfloat16) return linear_of(x, weight, bias, shape, options, x.dtype());
  const Tensor factor = cast(weight, DType::bfloat16);
  if (!bias.defined() && !options.relu)
    return linear_of(x, factor, bias, shape, options, DType::bfloat16);
  return cast(linear_of(x, factor, bias, shape, options, DType::float32), DType::bfloat16);
}

Tensor CudaBackend::linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias,
                              const Shape& shape, const LinearOptions& options, DType result) {
  const Tensor y = Tensor::empty(shape, {result, x.device()});
  if (y.numel() == 0) return y;
  const int64_t replicas = shape.rank() == 3 ? shape[0] : 1;
  const int64_t m = shape[-2], n = shape[-1], k = x.size(-1);
  if (k == 0)
    fill(y, 0);
  else if (products_.multiply({.dtype = x.dtype(),
                               .result = result,
                               .m = m,
                               .n = n,
                               .k = k,
                               .a = {x.data(), k},
                               .b = {weight.data(), k, true},
                               .c = y.data(),
                               .bias = data_or_null<void>(bias),
                               .relu = options.relu,
                               .batch = replicas,
                               .a_step = m * k,
                               .b_step = n * k,
                               .precision = float32_precision()}))
    return y;
  if (!bias.defined() && !options.relu) return y;
  dispatch(y.dtype(), [&]<class T>() {
    if (bias.defined())
      add_bias(stream_, {.replicas = replicas, .outer = m, .channels = n}, data_of<T>(bias),
               data_of<T>(y));
    if (options.relu) cuda::unary(stream_, Unary::relu, y.numel(), data_of<T>(y), data_of<T>(y));
  });
  return y;
}

Tensor CudaBackend::linear_backward_input(const Tensor& dy, const Tensor& weight,
                                          const Shape& shape) {
  const DType dtype = dy.dtype();
  const Tensor factor = dtype == DType::bfloat16 ? cast(weight, dtype) : weight;
  return multiply(dy, false, factor, false, shape, float32_precision(), dtype);
}

Backend::WeightGrads CudaBackend::linear_backward_weight(const Tensor& dy, const Tensor& x,
                                                         const Shape& weight, bool with_bias) {
  const int64_t rows = x.size(-2), outputs = weight[-2], inputs = weight[-1];
  if (!with_bias || rows == 0 || weight.numel() == 0)
    return Backend::linear_backward_weight(dy, x, weight, with_bias);
  const Shape bias = weight.without(weight.rank() - 1);
  const TensorOptions options = parameter_options(dy);
  const Tensor dweight = Tensor::empty(weight, options), dbias = Tensor::empty(bias, options);
  const bool summed = products_.multiply({.dtype = dy.dtype(),
                                          .result = options.dtype,
                                          .m = outputs,
                                          .n = inputs,
                                          .k = rows,
                                          .a = {dy.data(), outputs, true},
                                          .b = {x.data(), inputs},
                                          .c = dweight.data(),
                                          .sums = dbias.data(),
                                          .batch = weight.rank() == 3 ? weight[0] : 1,
                                          .a_step = rows * outputs,
                                          .b_step = rows * inputs,
                                          .precision = float32_precision()});
  return {dweight, summed ? dbias : reduce(Reduce::sum, dy, bias, 1u << (dy.rank() - 2))};
}

}  // namespace hebb::cuda
