#include "core/cpu/bfloat16_backend.hpp"

#include "core/conv_policy.hpp"

namespace hebb::cpu {
namespace {

bool is_narrow(const Tensor& x) { return x.defined() && x.dtype() == DType::bfloat16; }

}  // namespace

Tensor Bfloat16Backend::wide(const Tensor& x) {
  if (!is_narrow(x)) return x;
  if (!has_kernels()) return cast(x, DType::float32);
  const Tensor y = Tensor::empty(x.shape());
  kernels().bfloat16.widen(x.numel(), data_of<Bfloat16>(x), data_of<float>(y));
  return y;
}

Tensor Bfloat16Backend::rounded(const Tensor& x) {
  if (!has_kernels()) return cast(x, DType::bfloat16);
  const Tensor y = Tensor::empty(x.shape(), {.dtype = DType::bfloat16});
  kernels().bfloat16.round(x.numel(), data_of<float>(x), data_of<Bfloat16>(y));
  return y;
}

ConvPath Bfloat16Backend::planes_path(ConvDirection direction, const ConvGeometry& g) const {
  return has_kernels() ? kernels().bfloat16.conv2d_path(conv_policy(), kernels().unit, direction, g)
                       : ConvPath::im2col;
}

template <class F>
Tensor Bfloat16Backend::in_float32(const Tensor& x, F f) {
  return is_narrow(x) ? rounded(f(wide(x))) : f(x);
}

Tensor Bfloat16Backend::factor(const Tensor& weight, const Tensor& x) {
  return is_narrow(x) ? wide(rounded(weight)) : weight;
}

Tensor Bfloat16Backend::unary(Unary op, const Tensor& x) {
  return in_float32(x, [&](const Tensor& a) { return CpuBackend::unary(op, a); });
}

Tensor Bfloat16Backend::unary_backward(Unary op, const Tensor& dy, const Tensor& saved) {
  return in_float32(
      dy, [&](const Tensor& d) { return CpuBackend::unary_backward(op, d, wide(saved)); });
}

Tensor Bfloat16Backend::binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) {
  return in_float32(
      a, [&](const Tensor& left) { return CpuBackend::binary(op, left, wide(b), shape); });
}

Tensor Bfloat16Backend::affine(const Tensor& x, double scale, double shift) {
  return in_float32(x, [&](const Tensor& a) { return CpuBackend::affine(a, scale, shift); });
}

void Bfloat16Backend::add_scaled(const Tensor& y, const Tensor& x, double scale) {
  if (!is_narrow(y)) return CpuBackend::add_scaled(y, x, scale);
  if (has_kernels())
    return kernels().bfloat16.add_scaled(x.numel(), scale, data_of<Bfloat16>(x),
                                         data_of<Bfloat16>(y));
  const Tensor sum = wide(y);
  CpuBackend::add_scaled(sum, wide(x), scale);
  copy(y, rounded(sum));
}

Tensor Bfloat16Backend::dropout(const Tensor& x, std::span<const DropoutMask> masks) {
  return in_float32(x, [&](const Tensor& a) { return CpuBackend::dropout(a, masks); });
}

Tensor Bfloat16Backend::reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) {
  return CpuBackend::reduce(op, wide(x), shape, axes);
}

Tensor Bfloat16Backend::sum_to(const Tensor& x, const Shape& shape) {
  return in_float32(x, [&](const Tensor& a) { return CpuBackend::sum_to(a, shape); });
}

Tensor Bfloat16Backend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               const Shape& shape, const LinearOptions& options) {
  return in_float32(x, [&](const Tensor& a) {
    return CpuBackend::linear(a, factor(weight, x), bias, shape, options);
  });
}

Tensor Bfloat16Backend::linear_backward_input(const Tensor& dy, const Tensor& weight,
                                              const Shape& shape) {
  return in_float32(dy, [&](const Tensor& d) {
    return CpuBackend::linear_backward_input(d, factor(weight, dy), shape);
  });
}

Backend::WeightGrads Bfloat16Backend::linear_backward_weight(const Tensor& dy, const Tensor& x,
                                                             const Shape& weight, bool with_bias) {
  return CpuBackend::linear_backward_weight(wide(dy), wide(x), weight, with_bias);
}

Tensor Bfloat16Backend::conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               const Shape& shape, const Conv2dOptions& options) {
  const ConvGeometry g = conv_geometry(x.shape(), weight.shape(), shape, options);
  const ConvPath path = is_narrow(x) ? planes_path(ConvDirection::forward, g) : ConvPath::im2col;
  if (path == ConvPath::im2col)
    return in_float32(x, [&](const Tensor& a) {
      return CpuBackend::conv2d(a, factor(weight, x), bias, shape, options);
    });
  const Tensor y = Tensor::empty(shape, x.options());
  const int64_t replicas = conv_replicas(weight.shape());
  const Parts<Bfloat16> xs(x, replicas), ys(y, replicas);
  const Parts<float> weights(weight, replicas), biases(bias, replicas);
  for_replicas(replicas, [&](int64_t r) {
    kernels().bfloat16.conv2d(path, g, xs[r], weights[r], biases[r], ys[r]);
  });
  return y;
}

std::string_view Bfloat16Backend::conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                              const Shape& weight, const Shape& y,
                                              const Conv2dOptions& options) {
  if (dtype != DType::bfloat16)
    return CpuBackend::conv2d_path(direction, dtype, x, weight, y, options);
  const ConvPath path = planes_path(direction, conv_geometry(x, weight, y, options));
  return path == ConvPath::im2col
             ? CpuBackend::conv2d_path(direction, DType::float32, x, weight, y, options)
             : name_of(path);
}

Tensor Bfloat16Backend::conv2d_backward_input(const Tensor& dy, const Tensor& weight,
                                              const Shape& shape, const Conv2dOptions& options) {
  const ConvGeometry g = conv_geometry(shape, weight.shape(), dy.shape(), options);
  const ConvPath path =
      is_narrow(dy) ? planes_path(ConvDirection::backward_input, g) : ConvPath::im2col;
  if (path == ConvPath::im2col)
    return in_float32(dy, [&](const Tensor& d) {
      return CpuBackend::conv2d_backward_input(d, factor(weight, dy), shape, options);
    });
  const Tensor dx = Tensor::empty(shape, dy.options());
  const int64_t replicas = conv_replicas(weight.shape());
  const Parts<Bfloat16> dys(dy, replicas), dxs(dx, replicas);
  const Parts<float> weights(weight, replicas);
  for_replicas(replicas, [&](int64_t r) {
    kernels().bfloat16.conv2d_backward_input(path, g, dys[r], weights[r], dxs[r]);
  });
  return dx;
}

Backend::WeightGrads Bfloat16Backend::conv2d_backward_weight(const Tensor& dy, const Tensor& x,
                                                             const Shape& weight, bool with_bias,
                                                             const Conv2dOptions& options) {
  const ConvGeometry g = conv_geometry(x.shape(), weight, dy.shape(), options);
  const ConvPath path =
      is_narrow(dy) ? planes_path(ConvDirection::backward_weight, g) : ConvPath::im2col;
  if (path == ConvPath::im2col)
    return CpuBackend::conv2d_backward_weight(wide(dy), wide(x), weight, with_bias, options);
  WeightGrads grads = {.dweight = Tensor::empty(weight), .dbias = {}};
  if (with_bias)
    grads.dbias = Tensor::empty(Shape(weight.extents().first(size_t(weight.rank() - 3))));
  const int64_t replicas = conv_replicas(weight);
  const Parts<Bfloat16> xs(x, replicas), dys(dy, replicas);
  const Parts<float> dweights(grads.dweight, replicas), dbiases(grads.dbias, replicas);
  for_replicas(replicas, [&](int64_t r) {
    kernels().bfloat16.conv2d_backward_weight(path, g, xs[r], dys[r], dweights[r], dbiases[r]);
  });
  return grads;
}

Backend::WithIndices Bfloat16Backend::max_pool2d(const Tensor& x, const Shape& shape,
                                                 const Pool2dOptions& options) {
  WithIndices result = CpuBackend::max_pool2d(wide(x), shape, options);
  if (is_narrow(x)) result.values = rounded(result.values);
  return result;
}

Tensor Bfloat16Backend::max_pool2d_backward(const Tensor& dy, const Tensor& indices,
                                            const Shape& shape, const Pool2dOptions& options) {
  return in_float32(dy, [&](const Tensor& d) {
    return CpuBackend::max_pool2d_backward(d, indices, shape, options);
  });
}

Tensor Bfloat16Backend::avg_pool2d(const Tensor& x, const Shape& shape,
                                   const Pool2dOptions& options) {
  return in_float32(x, [&](const Tensor& a) { return CpuBackend::avg_pool2d(a, shape, options); });
}

Tensor Bfloat16Backend::avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                                            const Pool2dOptions& options) {
  return in_float32(
      dy, [&](const Tensor& d) { return CpuBackend::avg_pool2d_backward(d, shape, options); });
}

// What is saved of x and y is of bfloat16.
Backend::WithSaved Bfloat16Backend::batch_norm(const Tensor& x, const Tensor& weight,
                                               const Tensor& bias, const Tensor& residual,
                                               const Tensor& mean, const Tensor& variance,
                                               const BatchNormOptions& options) {
  if (!is_narrow(x))
    return CpuBackend::batch_norm(x, weight, bias, residual, mean, variance, options);
  if (has_kernels()) {
    const Tensor y = Tensor::empty(x.shape(), x.options());
    const Tensor statistics = Tensor::empty({2, x.size(1)}, {.dtype = DType::float64});
    kernels().bfloat16.batch_norm(
        norm_planes(x.shape()), options, data_of<Bfloat16>(x), data_or_null<float>(weight),
        data_or_null<float>(bias), data_or_null<Bfloat16>(residual), data_or_null<float>(mean),
        data_or_null<float>(variance), data_of<Bfloat16>(y), data_of<double>(statistics));
    return {y, {x, weight, statistics, options.relu ? y : Tensor()}};
  }
  WithSaved result =
      CpuBackend::batch_norm(wide(x), weight, bias, wide(residual), mean, variance, options);
  const Tensor y = rounded(result.y);
  return {y, {x, weight, result.saved[2], options.relu ? y : Tensor()}};
}

Backend::NormGrads Bfloat16Backend::batch_norm_backward(const Tensor& dy, const Saved& saved,
                                                        bool with_residual,
                                                        const BatchNormOptions& options) {
  if (!is_narrow(dy)) return CpuBackend::batch_norm_backward(dy, saved, with_residual, options);
  const bool masked = with_residual && options.relu;
  if (has_kernels()) {
    const Tensor &x = saved[0], &weight = saved[1], &statistics = saved[2], &y = saved[3];
    const Shape channels{x.size(1)};
    NormGrads grads = {Tensor::empty(x.shape(), x.options()),
                       Tensor::empty(channels),
                       Tensor::empty(channels),
                       {}};
    if (with_residual) grads.dresidual = masked ? Tensor::empty(x.shape(), x.options()) : dy;
    kernels().bfloat16.batch_norm_backward(
        norm_planes(x.shape()), options, data_of<Bfloat16>(dy), data_of<Bfloat16>(x),
        data_or_null<float>(weight), data_or_null<Bfloat16>(y), data_of<double>(statistics),
        data_of<Bfloat16>(grads.dx), data_of<float>(grads.dweight), data_of<float>(grads.dbias),
        masked ? data_of<Bfloat16>(grads.dresidual) : nullptr);
    return grads;
  }
  NormGrads grads = CpuBackend::batch_norm_backward(
      wide(dy), {wide(saved[0]), saved[1], saved[2], wide(saved[3])}, with_residual, options);
  grads.dx = rounded(grads.dx);
  if (with_residual) grads.dresidual = masked ? rounded(grads.dresidual) : dy;
  return grads;
}

Tensor Bfloat16Backend::permute(const Tensor& x, const Shape& shape, std::span<const int> axes) {
  return in_float32(x, [&](const Tensor& a) { return CpuBackend::permute(a, shape, axes); });
}

}  // namespace hebb::cpu
