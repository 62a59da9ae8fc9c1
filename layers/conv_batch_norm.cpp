#include "layers/conv_batch_norm.hpp"

#include "core/ops/conv2d.hpp"
#include "core/ops/elementwise.hpp"

namespace hebb {

Tensor conv_batch_norm(const Conv2d& conv, const BatchNorm2d& norm, const Tensor& x,
                       Context& context, const NormTail& tail) {
  const bool residual = tail.residual.defined();
  if (context.observe) {
    Tensor y = norm(conv(x, context), context);
    if (residual) y = y + tail.residual;
    return tail.relu ? relu(y) : y;
  }
  if (context.training || tail.relu || residual)
    return norm.forward(conv(x, context), context, tail);
  // The folded weight is made anew in each pass: there are far fewer of its elements than of the
  // output's, and it never is that of older weights.
  const BatchNorm2d::Folded folded = norm.fold(conv.weight(), conv.bias());
  return conv2d(x, folded.weight, folded.bias, conv.options());
}

}  // namespace hebb
