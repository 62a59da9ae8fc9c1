#include "gpu/cuda_backend.hpp"

namespace hebb::cuda {

Backend::WithGrad CudaBackend::bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                                    const Tensor& scales, bool with_dh, bool with_dweight) {
  const bool replicated = weight.rank() == 3;
  const int64_t replicas = replicated ? weight.size(0) : 1;
  const int64_t samples = h.size(-2), neurons = h.size(-1), targets = weight.size(-2);
  const double count = double(samples) * double(neurons) * double(neurons);
  const BeanShape shape{.replicas = replicas,
                        .samples = samples,
                        .neurons = neurons,
                        .targets = targets,
                        .gamma = kernel.gamma,
                        .factor = kernel.scale / kernel.divisor / count,
                        .scales = data_or_null<double>(scales),
                        .per_scale = 1 / kernel.divisor / count};
  WithGrad result{Tensor::empty(replicated ? Shape{replicas} : Shape(), h.options()),
                  with_dh ? Tensor::empty(h.shape(), h.options()) : Tensor(),
                  with_dweight ? Tensor::empty(weight.shape(), h.options()) : Tensor()};
  const Tensor f = Tensor::empty(weight.shape(), h.options());
  Tensor df;
  dispatch(h.dtype(), [&]<class T>() {
    bean_strength(stream_, shape, data_of<T>(weight), data_of<T>(f));
    if (kernel.order == 1 && kernel.divergence == Divergence::squared) {
      if (with_dweight) df = Tensor::empty(weight.shape(), h.options());
      bean_spread(stream_, shape, data_of<T>(h), data_of<T>(f),
                  data_of<double>(scratch(bean_spread_scratch(shape))), data_of<T>(result.value),
                  data_or_null<T>(result.grad), data_or_null<T>(df));
    } else {
      const Shape pairs = weight.shape().with(weight.rank() - 2, neurons);
      const Tensor k = multiply(f, true, f, false, pairs, Precision::fp32, f.dtype());
      bean_pairs(stream_, shape, kernel.order, kernel.divergence, data_of<T>(h), data_of<T>(k),
                 data_of<double>(scratch(bean_pairs_scratch(shape))), data_of<T>(result.value),
                 data_or_null<T>(result.grad));
      if (with_dweight)
        df = multiply(f, false, k, false, weight.shape(), Precision::fp32, f.dtype());
    }
    const bool spread = kernel.order == 1 && kernel.divergence == Divergence::squared;
    if (with_dweight)
      bean_weight_gradient(stream_, shape, spread ? 1 : kernel.order, data_of<T>(weight),
                           data_of<T>(f), data_of<T>(df), data_of<T>(result.grad2));
  });
  return result;
}

}  // namespace hebb::cuda
