#include <cmath>

#include "core/cpu/adam.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {

void CpuBackend::sgd(const Tensor& parameter, const Tensor& grad, const Tensor& momentum,
                     const SgdStep& step) {
  dispatch_floating(parameter.dtype(), [&]<class T>() {
    sgd_update(parameter.numel(), data_of<T>(parameter), data_of<const T>(grad),
               data_or_null<T>(momentum), step);
  });
}

void CpuBackend::adam(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
                      const AdamStep& step) {
  dispatch_floating(parameter.dtype(), [&]<class T>() {
    adam_update(parameter.numel(), data_of<T>(parameter), data_of<const T>(grad), data_of<T>(m),
                data_of<T>(v), step);
  });
}

void CpuBackend::nadam(const Tensor& parameter, const Tensor& grad, const Tensor& m,
                       const Tensor& v, const NadamStep& step) {
  dispatch_floating(parameter.dtype(), [&]<class T>() {
    nadam_update(parameter.numel(), data_of<T>(parameter), data_of<const T>(grad), data_of<T>(m),
                 data_of<T>(v), step);
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
