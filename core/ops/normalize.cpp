#include "core/ops/normalize.hpp"

#include "core/autograd.hpp"
#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

constexpr uint32_t all_but_channels = 0b1101;

void check_channels(const char* where, const Tensor& x, Operand operand) {
  check_operands(where, {{"input", x}, operand});
  check_shape(where, operand, {x.size(1)});
}

void check_batch_norm(const char* where, const Tensor& x, const Tensor& weight, const Tensor& bias,
                      double epsilon) {
  check_operands(where, {{"input", x}});
  check_rank(where, {"input", x}, 4, "[N, C, H, W]");
  check_channels(where, x, {"weight", weight});
  check_channels(where, x, {"bias", bias});
  check(epsilon > 0, "[{}] expected epsilon over 0, got {}", where, epsilon);
}

// running += momentum (batch - running)
void update(const Tensor& running, const Tensor& batch, double momentum) {
  const ActiveBackend backend = backend_of(running);
  const Tensor change = backend->binary(Binary::sub, batch, running, running.shape());
  backend->add_scaled(running, change, momentum);
}

Tensor inverse(const Tensor& x) {
  return backend_of(x)->binary(Binary::div, Tensor::scalar(1, x.options()), x, x.shape());
}

}  // namespace

Tensor batch_norm2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                    const Tensor& running_mean, const Tensor& running_variance,
                    BatchNormOptions options) {
  check_batch_norm("batch_norm2d", x, weight, bias, options.epsilon);
  const bool has_mean = running_mean.defined(), has_variance = running_variance.defined();
  if (has_mean) check_channels("batch_norm2d", x, {"running_mean", running_mean});
  if (has_variance) check_channels("batch_norm2d", x, {"running_variance", running_variance});
  check(options.momentum >= 0 && options.momentum <= 1,
        "[batch_norm2d] expected momentum in [0, 1], got {}", options.momentum);
  const int64_t n = x.size(0) * x.size(2) * x.size(3);
  check(n > 1, "[batch_norm2d] expected more than one value for each channel, got input {}",
        x.shape());

  const ActiveBackend backend = backend_of(x);
  const Backend::NormStatistics batch = backend->batch_norm(x, weight, bias, options.epsilon);
  if (has_mean) update(running_mean, batch.mean, options.momentum);
  if (has_variance) {
    const Tensor shifted = inverse(backend->unary(Unary::square, batch.inverse_std));
    const double unbiased = double(n) / double(n - 1);
    update(running_variance, backend->affine(shifted, unbiased, -options.epsilon * unbiased),
           options.momentum);
  }
  return record("batch_norm2d", batch.y, {x, weight, bias},
                [x = x.detach(), weight = weight.detach(), mean = batch.mean,
                 inverse_std = batch.inverse_std](const Tensor& dy) {
                  auto [dx, dweight, dbias] =
                      backend_of(dy)->batch_norm_backward(dy, x, weight, mean, inverse_std);
                  return Grads{dx, dweight, dbias};
                });
}

Tensor batch_norm2d_inference(const Tensor& x, const Tensor& weight, const Tensor& bias,
                              const Tensor& mean, const Tensor& variance, double epsilon) {
  constexpr const char* where = "batch_norm2d_inference";
  check_batch_norm(where, x, weight, bias, epsilon);
  check_channels(where, x, {"mean", mean});
  check_channels(where, x, {"variance", variance});
  const Tensor y = backend_of(x)->batch_norm_inference(x, weight, bias, mean, variance, epsilon);
  return record(where, y, {x, weight, bias},
                [x = x.detach(), weight = weight.detach(), mean = mean.detach(),
                 variance = variance.detach(), epsilon](const Tensor& dy, Needs needs) {
                  const ActiveBackend backend = backend_of(dy);
                  const auto times = [&](const Tensor& a, const Tensor& b) {
                    return backend->binary(Binary::mul, a, b, a.shape());
                  };
                  const Tensor inverse_std =
                      inverse(backend->unary(Unary::sqrt, backend->affine(variance, 1, epsilon)));
                  Grads grads{{}, {}, {}};
                  if (needs[0])
                    grads[0] = times(dy, times(weight, inverse_std).view({weight.size(0), 1, 1}));
                  if (needs[1]) {
                    const Tensor centred =
                        backend->binary(Binary::sub, x, mean.view({mean.size(0), 1, 1}), x.shape());
                    grads[1] = times(backend->reduce(Reduce::sum, times(dy, centred),
                                                     weight.shape(), all_but_channels),
                                     inverse_std);
                  }
                  if (needs[2])
                    grads[2] = backend->reduce(Reduce::sum, dy, weight.shape(), all_but_channels);
                  return grads;
                });
}

}  // namespace hebb
