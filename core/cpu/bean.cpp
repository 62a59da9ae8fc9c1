#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Backend::WithGrad CpuBackend::bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                                   const Tensor& scales, bool with_dh, bool with_dweight) {
  const bool replicated = weight.rank() == 3;
  const int64_t replicas = replicated ? weight.size(0) : 1;
  WithGrad result{Tensor::empty(replicated ? Shape{replicas} : Shape(), h.options()),
                  with_dh ? Tensor::empty(h.shape(), h.options()) : Tensor(),
                  with_dweight ? Tensor::empty(weight.shape(), h.options()) : Tensor()};
  const double* const own_scales = data_or_null<double>(scales);
  dispatch(h.dtype(), [&]<class T>(const Kernels<T>& k) {
    const int64_t samples = h.size(-2), neurons = h.size(-1), targets = weight.size(-2);
    for_replicas(replicas, [&](int64_t r) {
      const int64_t of_h = r * samples * neurons, of_weight = r * targets * neurons;
      const BeanLayer<T> layer{
          .samples = samples,
          .neurons = neurons,
          .targets = targets,
          .h = data_of<T>(h) + of_h,
          .weight = data_of<T>(weight) + of_weight,
          .gamma = T(kernel.gamma),
          .factor = (own_scales ? own_scales[r] : kernel.scale) / kernel.divisor /
                    (double(samples) * double(neurons) * double(neurons)),
          .dh = with_dh ? data_of<T>(result.grad) + of_h : nullptr,
          .dweight = with_dweight ? data_of<T>(result.grad2) + of_weight : nullptr};
      data_of<T>(result.value)[r] = T(k.bean(layer, kernel));
    });
  });
  return result;
}

}  // namespace hebb::cpu
