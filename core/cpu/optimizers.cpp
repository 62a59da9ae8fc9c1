#include <cmath>

#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

void CpuBackend::sgd(const Tensor& parameter, const Tensor& grad, const Tensor& momentum,
                     const SgdStep& step) {
  dispatch(parameter.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.sgd(parameter.numel(), data_of<T>(parameter), data_of<T>(grad), data_or_null<T>(momentum),
          step);
  });
}

void CpuBackend::adam(const Tensor& parameter, const Tensor& grad, const Tensor& m, const Tensor& v,
                      const AdamStep& step) {
  dispatch(parameter.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.adam(parameter.numel(), data_of<T>(parameter), data_of<T>(grad), data_of<T>(m), data_of<T>(v),
           step);
  });
}

void CpuBackend::nadam(const Tensor& parameter, const Tensor& grad, const Tensor& m,
                       const Tensor& v, const NadamStep& step) {
  dispatch(parameter.dtype(), [&]<class T>(const Kernels<T>& k) {
    k.nadam(parameter.numel(), data_of<T>(parameter), data_of<T>(grad), data_of<T>(m),
            data_of<T>(v), step);
  });
}

// As in torch.nn.utils.clip_grad_norm_: all gradients times limit / (norm + 1e-6), at most 1.
Tensor CpuBackend::clip_norm(std::span<const Tensor> grads, double limit) {
  double squares = 0;
  for (const Tensor& grad : grads)
    squares += dispatch(grad.dtype(), [&]<class T>(const Kernels<T>& k) {
      return k.sum_squares(grad.numel(), data_of<T>(grad));
    });
  const Tensor norm = Tensor::empty({}, {.dtype = DType::float64});
  *data_of<double>(norm) = std::sqrt(squares);
  const double scale = limit / (std::sqrt(squares) + 1e-6);
  if (scale >= 1) return norm;
  for (const Tensor& grad : grads)
    dispatch(grad.dtype(),
             [&]<class T>(const Kernels<T>& k) { k.scale(grad.numel(), scale, data_of<T>(grad)); });
  return norm;
}

}  // namespace hebb::cpu
