#include "core/cpu/bean/forms.hpp"
#include "core/cpu/bean/spread.hpp"

namespace hebb::cpu::HEBB_ISA {

template <class T>
double bean_order2_by_targets(const BeanLayer<T>& layer) {
  using V = Vec<T>;
  Spread<T> spread(layer);
  const int64_t width = spread.width, n = layer.neurons, targets = layer.targets;
  Scratch<T> f(targets * width), df(targets * width);
  for (int64_t m = 0; m < targets; ++m)
    connection_strength(n, width, layer.weight + m * n, layer.gamma, f.data() + m * width);
  zero(df.data(), targets * width);

  const int64_t pairs = targets * (targets + 1) / 2;
  const int64_t block = std::min(block_rows(layer.samples), pairs);
  Scratch<T> product(block * width), dproduct(block * width), count(block);
  Scratch<int64_t> left(block), right(block);
  double total = 0;
  for (int64_t first = 0, a = 0, b = 0; first < pairs; first += block) {
    const int64_t rows = std::min(block, pairs - first);
    for (int64_t r = 0; r < rows; ++r) {
      left[r] = a, right[r] = b;
      count[r] = a == b ? T(1) : T(2);
      map(
          width, product.data() + r * width, [](V x, V y) { return x * y; }, f.data() + a * width,
          f.data() + b * width);
      if (++b == targets) b = ++a;
    }
    total += spread.add(rows, product.data(), count.data(), dproduct.data());
    for (int64_t r = 0; r < rows; ++r) {
      const T *d = dproduct.data() + r * width, *fa = f.data() + left[r] * width,
              *fb = f.data() + right[r] * width;
      T *da = df.data() + left[r] * width, *db = df.data() + right[r] * width;
      for (int64_t i = 0; i < width; i += V::lanes) {
        const V x = load(d + i);
        store(da + i, load(da + i) + x * load(fb + i));
        store(db + i, load(db + i) + x * load(fa + i));
      }
    }
  }
  if (layer.dweight)
    for (int64_t m = 0; m < targets; ++m)
      strength_gradient(n, layer.weight + m * n, f.data() + m * width, df.data() + m * width,
                        T(2 * layer.factor) * layer.gamma, layer.dweight + m * n);
  if (layer.dh) spread.write(4 * layer.factor, layer.dh);
  return 2 * layer.factor * total;
}

template double bean_order2_by_targets(const BeanLayer<float>&);
#if HEBB_FLOAT64
template double bean_order2_by_targets(const BeanLayer<double>&);
#endif

}  // namespace hebb::cpu::HEBB_ISA
