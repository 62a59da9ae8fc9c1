#include <type_traits>

#include "core/cpu/bean/forms.hpp"
#include "core/cpu/kernels/table.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Whether tiles pay: for fewer targets most of a tile is empty. They serve one thread alone.
[[maybe_unused]] bool fits_tiles(const BeanLayer<float>& layer) {
  return layer.samples == 1 && layer.targets >= 24 && layer.neurons * layer.targets <= 1 << 18;
}

template <class T, bool tiles>
double bean(const BeanLayer<T>& layer, const BeanKernel& kernel) {
  if constexpr (tiles && std::is_same_v<T, float>)
    if (kernel.order == 2 && fits_tiles(layer))
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

template <class T>
BeanKernels<T> bean_kernels(bool tiles) {
  return {.bean = tiles ? bean<T, HEBB_AMX != 0> : bean<T, false>};
}

template BeanKernels<float> bean_kernels(bool);
#if HEBB_FLOAT64
template BeanKernels<double> bean_kernels(bool);
#endif

}  // namespace hebb::cpu::HEBB_ISA
