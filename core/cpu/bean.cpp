#include "core/cpu/bean/bean.hpp"

#include "core/cpu/bean/strength.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Whether tiles pay: for fewer targets most of a tile is empty. They serve one thread alone.
template <class T>
bool fits_tiles(const BeanLayer<T>& layer) {
  return layer.samples == 1 && layer.targets >= 24 && layer.neurons * layer.targets <= 1 << 18;
}

template <class T>
double evaluate(const BeanLayer<T>& layer, const BeanKernel& kernel, bool tiles) {
  if constexpr (HEBB_AMX != 0 && std::is_same_v<T, float>)
    if (tiles && kernel.order == 2 && fits_tiles(layer))
      return bean_order2_on_tiles(layer, kernel.divergence);
  const bool squared = kernel.divergence == Divergence::squared;
  if (kernel.order == 1) return squared ? bean_order1(layer) : bean_order1_absolute(layer);
  if (!squared) return bean_order2_by_neurons(layer, Divergence::absolute);
  // Vector operations of either form, as measured.
  const double s = double(layer.samples), n = double(layer.neurons), m = double(layer.targets);
  const double active = double(count_active(layer)), silent = n - active;
  const double by_neurons =
      m * (1.5 * active * active + 3 * active * silent) + 3 * (s + 2) * active * n;
  const double by_targets = m * (m + 1) / 2 * n * (4 * s + 12);
  return by_targets < by_neurons ? bean_order2_by_targets(layer)
                                 : bean_order2_by_neurons(layer, Divergence::squared);
}

}  // namespace

Backend::WithGrad CpuBackend::bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                                   bool with_dh, bool with_dweight) {
  WithGrad result{Tensor::empty({}, h.options()),
                  with_dh ? Tensor::empty(h.shape(), h.options()) : Tensor(),
                  with_dweight ? Tensor::empty(weight.shape(), h.options()) : Tensor()};
  dispatch_floating(h.dtype(), [&]<class T>() {
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
    *data_of<T>(result.value) = T(evaluate(layer, kernel, tiles_));
  });
  return result;
}

}  // namespace hebb::cpu::HEBB_ISA
