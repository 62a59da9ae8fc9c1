#include "core/cpu/bean/forms.hpp"
#include "core/cpu/bean/spread.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {

template <class T>
double bean_order1(const BeanLayer<T>& layer) {
  Spread<T> spread(layer);
  const int64_t width = spread.width, n = layer.neurons;
  const int64_t block = std::min(block_rows(layer.samples), layer.targets);
  Scratch<T> f(block * width), df(block * width), ones(block);
  std::fill_n(ones.data(), block, T(1));
  double total = 0;
  for (int64_t first = 0; first < layer.targets; first += block) {
    const int64_t rows = std::min(block, layer.targets - first);
    parallel_for(rows, row_grain(width), [&](int64_t r, int64_t end) {
      for (; r < end; ++r)
        connection_strength(n, width, layer.weight + (first + r) * n, layer.gamma,
                            f.data() + r * width);
    });
    total += spread.add(rows, f.data(), ones.data(), df.data());
    if (!layer.dweight) continue;
    const T factor = T(2 * layer.factor) * layer.gamma;
    parallel_for(rows, row_grain(width), [&](int64_t r, int64_t end) {
      for (; r < end; ++r)
        strength_gradient(n, layer.weight + (first + r) * n, f.data() + r * width,
                          df.data() + r * width, factor, layer.dweight + (first + r) * n);
    });
  }
  if (layer.dh) spread.write(4 * layer.factor, layer.dh);
  return 2 * layer.factor * total;
}

template double bean_order1(const BeanLayer<float>&);
#if HEBB_FLOAT64
template double bean_order1(const BeanLayer<double>&);
#endif

}  // namespace hebb::cpu::HEBB_ISA
