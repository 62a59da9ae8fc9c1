#include <cmath>

#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/loops.hpp"
#include "core/cpu/scratch.hpp"
// After the class, whose steps have the same names.
#include "core/cpu/adam.hpp"

namespace hebb::cpu::HEBB_ISA {

void CpuBackend::sgd(const Tensor& parameter, const Tensor& grad, const Tensor& momentum,
                     const hebb::SgdStep& step) {
  dispatch_floating(parameter.dtype(), [&]<class T>() {
    sgd_update(parameter.numel(), data_of<T>(parameter), data_of<const T>(grad),
               data_or_null<T>(momentum),
               {.lr = step.lr,
                .momentum = step.momentum,
                .nesterov = step.nesterov,
                .weight_decay = step.weight_decay,
                .first = step.first,
                .dampening = step.dampening});
  });
}

void CpuBackend::adam(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
                      const hebb::AdamStep& step) {
  dispatch_floating(parameter.dtype(), [&]<class T>() {
    adam_update(parameter.numel(), data_of<T>(parameter), data_of<const T>(grad), data_of<T>(m),
                data_of<T>(v),
                {.lr = step.lr,
                 .beta1 = step.beta1,
                 .beta2 = step.beta2,
                 .epsilon = step.epsilon,
                 .bias_correction1 = step.bias_correction1,
                 .bias_correction2 = step.bias_correction2,
                 .weight_decay = step.weight_decay,
                 .decoupled = step.decoupled});
  });
}

void CpuBackend::nadam(const Tensor& parameter, const Tensor& grad, const Tensor& m,
                       const Tensor& v, const hebb::NadamStep& step) {
  const hebb::AdamStep& adam = step.adam;
  dispatch_floating(parameter.dtype(), [&]<class T>() {
    nadam_update(parameter.numel(), data_of<T>(parameter), data_of<const T>(grad), data_of<T>(m),
                 data_of<T>(v),
                 {.lr = adam.lr,
                  .beta1 = adam.beta1,
                  .beta2 = adam.beta2,
                  .epsilon = adam.epsilon,
                  .bias_correction2 = adam.bias_correction2,
                  .mu = step.mu,
                  .mu_next = step.mu_next,
                  .mu_product = step.mu_product,
                  .weight_decay = adam.weight_decay,
                  .decoupled = adam.decoupled});
  });
}

// As in torch.nn.utils.clip_grad_norm_: all gradients times limit / (norm + 1e-6), at most 1.
Tensor CpuBackend::clip_norm(std::span<const Tensor> grads, double limit) {
  double squares = 0;
  for (const Tensor& grad : grads)
    squares += dispatch_floating(grad.dtype(), [&]<class T>() {
      const int64_t n = grad.numel(), pieces = ceil_div(n, grain);
      Scratch<double> partial(pieces);
      parallel_for(n, grain, [&, sums = partial.data()](int64_t begin, int64_t end) {
        sums[begin / grain] = sum_of<T>(
            end - begin, [](Vec<T> a) { return a * a; }, data_of<T>(grad) + begin);
      });
      double total = 0;
      for (int64_t i = 0; i < pieces; ++i) total += partial[i];
      return total;
    });
  const Tensor norm = Tensor::empty({}, {.dtype = DType::float64});
  *data_of<double>(norm) = std::sqrt(squares);
  const double scale = limit / (std::sqrt(squares) + 1e-6);
  if (scale >= 1) return norm;
  for (const Tensor& grad : grads)
    dispatch_floating(grad.dtype(), [&]<class T>() {
      T* data = data_of<T>(grad);
      parallel_map(
          grad.numel(), data, [s = Vec<T>(T(scale))](Vec<T> a) { return a * s; }, data);
    });
  return norm;
}

}  // namespace hebb::cpu::HEBB_ISA
