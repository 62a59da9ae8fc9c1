#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

Backend::WithGrad CpuBackend::bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                                   bool with_dh, bool with_dweight) {
  WithGrad result{Tensor::empty({}, h.options()),
                  with_dh ? Tensor::empty(h.shape(), h.options()) : Tensor(),
                  with_dweight ? Tensor::empty(weight.shape(), h.options()) : Tensor()};
  dispatch(h.dtype(), [&]<class T>(const Kernels<T>& k) {
    const int64_t samples = h.size(0), neurons = h.size(1);
    const BeanLayer<T> layer{
        .samples = samples,
        .neurons = neurons,
        .targets = weight.size(0),
        .h = data_of<T>(h),
        .weight = data_of<T>(weight),
        .gamma = T(kernel.gamma),
        .factor = kernel.scale / (double(samples) * double(neurons) * double(neurons)),
        .dh = data_or_null<T>(result.grad),
        .dweight = data_or_null<T>(result.grad2)};
    *data_of<T>(result.value) = T(k.bean(layer, kernel));
  });
  return result;
}

}  // namespace hebb::cpu
