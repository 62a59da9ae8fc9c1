#include "core/ops/conv2d_max_pool2d.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/ops/checks.hpp"
#include "core/ops/conv2d.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/pool2d.hpp"

namespace hebb {

Tensor conv2d_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                         const ConvPoolOptions& options) {
  const Shape convolved = conv2d_shape(x, weight, bias, options.conv);
  const Shape shape = pool2d_shape("max_pool2d", convolved, options.pool);
  if (options.conv.groups != 1) {
    const Tensor y = max_pool2d(conv2d(x, weight, bias, options.conv), options.pool);
    return options.relu ? relu(y) : y;
  }
  const Backend::WithIndices pooled =
      backend_of(x)->conv2d_max_pool2d(x, weight, bias, convolved, shape, options);
  return record(
      "conv2d_max_pool2d", pooled.values, {x, weight, bias},
      [pooled = Backend::WithIndices{pooled.values.detach(), pooled.indices}, x = x.detach(),
       weight = weight.detach(), convolved, options](const Tensor& dy, Needs needs) {
        const Backend::ConvGrads grads = backend_of(dy)->conv2d_max_pool2d_backward(
            dy, pooled, x, weight, convolved, options, {needs[0], needs[1], needs[2]});
        return Grads{grads.dx, grads.dweight, grads.dbias};
      });
}

}  // namespace hebb
