#include "core/backend.hpp"

#include "core/check.hpp"
#include "core/geometry.hpp"
#include "core/precision.hpp"
#include "core/profile.hpp"
#include "core/profiled_backend.hpp"

namespace hebb {

void Backend::set_precision(Precision precision) {
  check(precision == Precision::fp32, "[precision] expected fp32 on {}, got {}", name(),
        precisions().name_of(precision));
}

Tensor Backend::with_layout(const Tensor& x, Layout layout) {
  check(x.layout() == layout, "[layout] expected a row-major tensor on {}, got {}", name(), x);
  return x;
}

Tensor Backend::linear_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape) {
  return matmul(dy, false, weight, false, shape);
}

Backend::WeightGrads Backend::linear_backward_weight(const Tensor& dy, const Tensor& x,
                                                     const Shape& weight, bool with_bias) {
  return {matmul(dy, true, x, false, weight),
          with_bias
              ? reduce(Reduce::sum, dy, weight.without(weight.rank() - 1), 1u << (dy.rank() - 2))
              : Tensor()};
}

Backend::WithIndices Backend::conv2d_max_pool2d(const Tensor& x, const Tensor& weight,
                                                const Tensor& bias, const Shape& convolved,
                                                const Shape& shape,
                                                const ConvPoolOptions& options) {
  const Tensor planes = conv2d(x, weight, bias, convolved, options.conv);
  const auto [values, indices] =
      max_pool2d(planes.view(all_images(convolved)), all_images(shape), options.pool);
  return {(options.relu ? unary(Unary::relu, values) : values).view(shape), indices};
}

Backend::ConvGrads Backend::conv2d_max_pool2d_backward(const Tensor& dy, const WithIndices& pooled,
                                                       const Tensor& x, const Tensor& weight,
                                                       const Shape& convolved,
                                                       const ConvPoolOptions& options,
                                                       ConvNeeds needs) {
  const Tensor of_pooled = options.relu ? unary_backward(Unary::relu, dy, pooled.values) : dy;
  const Tensor of_planes = max_pool2d_backward(of_pooled.view(all_images(dy.shape())),
                                               pooled.indices, all_images(convolved), options.pool)
                               .view(convolved);
  ConvGrads grads;
  if (needs.dx) grads.dx = conv2d_backward_input(of_planes, weight, x.shape(), options.conv);
  if (needs.dweight || needs.dbias) {
    const WeightGrads of_weight =
        conv2d_backward_weight(of_planes, x, weight.shape(), needs.dbias, options.conv);
    grads.dweight = of_weight.dweight;
    grads.dbias = of_weight.dbias;
  }
  return grads;
}

Backend& backend_for(Device device) {
  Backend& backend = device.is_cpu() ? cpu::backend() : cuda_backend(device.index);
  if (profiling()) [[unlikely]]
    return profiled(backend);
  return backend;
}

}  // namespace hebb
