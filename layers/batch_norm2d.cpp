#include "layers/batch_norm2d.hpp"

#include "core/check.hpp"
#include "core/ops/elementwise.hpp"
#include "core/ops/normalize.hpp"
#include "core/ops/reduce.hpp"

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
  if (context.training && context.sum_over_ranks) return forward_over_ranks(x, context, tail);
  BatchNormOptions options = options_;
  options.training = context.training;
  options.relu = tail.relu;
  return batch_norm2d(x, weight_, bias_, running_mean_, running_var_, options, tail.residual);
}

// In operations, for statistics stand between two passes of others: mean, then variance.
Tensor BatchNorm2d::forward_over_ranks(const Tensor& x, const Context& context,
                                       const NormTail& tail) const {
  check(x.rank() == 4 && x.size(1) == weight_.numel(),
        "[BatchNorm2d] expected [N, {}, H, W], got {}", weight_.numel(), x);
  const auto by_channel = [](const Tensor& y) { return y.reshape({1, -1, 1, 1}); };
  const int64_t here = x.numel() / x.size(1);
  const double count =
      context.sum_over_ranks(Tensor::scalar(double(here), {DType::float64, x.device()})).item();
  const auto mean_of = [&](const Tensor& y) {
    return context.sum_over_ranks(sum(y, {0, 2, 3})) / count;
  };
  const Tensor mean = mean_of(x);
  const Tensor centred = x - by_channel(mean);
  const Tensor variance = mean_of(square(centred));
  Tensor y = centred * by_channel(weight_ / sqrt(variance + options_.epsilon)) + by_channel(bias_);
  if (tail.residual.defined()) y = y + tail.residual.to(y.dtype());

  const auto move = [&](const Tensor& running, const Tensor& now) {
    running.copy_from(running * (1 - options_.momentum) + now.detach() * options_.momentum);
  };
  move(running_mean_, mean);
  move(running_var_, variance.detach() * (count / (count - 1)));
  return (tail.relu ? relu(y) : y).to(x.dtype());
}

BatchNorm2d::Folded BatchNorm2d::fold(const Tensor& weight, const Tensor& bias) const {
  const Tensor scale = weight_ / sqrt(running_var_ + options_.epsilon);
  const Tensor centred = bias.defined() ? bias - running_mean_ : -running_mean_;
  return {weight * scale.reshape({-1, 1, 1, 1}), centred * scale + bias_};
}

}  // namespace hebb
