#include "layers/batch_norm2d.hpp"

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/normalize.hpp"

namespace hebb {

BatchNorm2d::BatchNorm2d(const Options& o)
    : options_{.epsilon = o.epsilon, .momentum = o.momentum} {
  check(o.channels >= 1, "[BatchNorm2d] expected at least 1 channel, got {}", o.channels);
  check(o.epsilon > 0, "[BatchNorm2d] expected an epsilon above 0, got {}", o.epsilon);
  check(o.momentum >= 0 && o.momentum <= 1, "[BatchNorm2d] expected a momentum in [0, 1], got {}",
        o.momentum);
  weight_ = add_parameter("weight", Tensor::full({o.channels}, o.weight));
  bias_ = add_parameter("bias", Tensor::zeros({o.channels}));
  running_mean_ = add_buffer("running_mean", Tensor::zeros({o.channels}));
  running_var_ = add_buffer("running_var", Tensor::ones({o.channels}));
}

std::string BatchNorm2d::description() const {
  return fmt::format("BatchNorm2d({})", weight_.numel());
}

Tensor BatchNorm2d::forward(const Tensor& x, Context& context) const {
  return forward(x, context, {});
}

Tensor BatchNorm2d::forward(const Tensor& x, Context& context, const NormTail& tail) const {
  BatchNormOptions options = options_;
  options.training = context.training;
  options.relu = tail.relu;
  return batch_norm2d(x, weight_, bias_, running_mean_, running_var_, options, tail.residual);
}

BatchNorm2d::Folded BatchNorm2d::fold(const Tensor& weight, const Tensor& bias) const {
  const Tensor scale = weight_ / sqrt(running_var_ + options_.epsilon);
  const Tensor centred = bias.defined() ? bias - running_mean_ : -running_mean_;
  return {weight * scale.reshape({-1, 1, 1, 1}), centred * scale + bias_};
}

}  // namespace hebb
