#include <bit>
#include <limits>

#include "core/cpu/bean/forms.hpp"
#include "core/cpu/bean/strength.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Integers in the order of the numbers, so that NaN has its place too.
template <class T>
auto sort_key(T x) {
  using I = typename detail::Element<T>::Integer;
  const I bits = std::bit_cast<I>(x);
  return bits < 0 ? I(bits ^ std::numeric_limits<I>::max()) : bits;
}

template <class T>
void sort_neurons(int64_t n, const T* h, int32_t* order) {
  struct Item {
    decltype(sort_key(T())) key;
    int32_t neuron;
  };
  Scratch<Item> items(n);
  for (int64_t i = 0; i < n; ++i) items[i] = {sort_key(h[i]), int32_t(i)};
  std::sort(items.data(), items.data() + n, [](const Item& a, const Item& b) {
    return a.key != b.key ? a.key < b.key : a.neuron < b.neuron;
  });
  for (int64_t i = 0; i < n; ++i) order[i] = items[i].neuron;
}

/// One pass over a sample's neurons, ascending (step 1) or descending (step -1), for `vectors`
/// vectors of targets: with the running sum R of f over the neurons passed and their summed
/// distance Δ to the present one, Δ += R gap. Adds Δ to df and Σ_m f R to push, where R leaves
/// equal neurons out (sign(0) = 0). Returns Σ f Δ.
template <int vectors, class T>
double sweep(int64_t n, int64_t step, const T* h, const int32_t* order, int64_t stride, const T* f,
             T* df, T* push) {
  using V = Vec<T>;
  V passed[vectors], before[vectors], distance[vectors], value = T(0);
  for (int c = 0; c < vectors; ++c) passed[c] = before[c] = distance[c] = T(0);
  T last = h[*order];
  for (int64_t k = 0; k < n; ++k, order += step) {
    const int64_t i = *order;
    const T gap = (h[i] - last) * T(step);
    last = h[i];
    V pushed = T(0);
    for (int c = 0; c < vectors; ++c) {
      if (gap != T(0)) {
        before[c] = passed[c];
        distance[c] += passed[c] * V(gap);
      }
      const V x = load(f + i * stride + c * V::lanes);
      T* d = df + i * stride + c * V::lanes;
      store(d, load(d) + distance[c]);
      value += x * distance[c];
      pushed += x * before[c];
      passed[c] += x;
    }
    push[i] += T(step) * sum(pushed);
  }
  return double(sum(value));
}

}  // namespace

template <class T>
double bean_order1_absolute(const BeanLayer<T>& layer) {
  constexpr int64_t lanes = Vec<T>::lanes;
  const int64_t samples = layer.samples, n = layer.neurons, targets = layer.targets;
  const int64_t rows = padded<T>(targets), width = padded<T>(n);

  // A sweep goes from neuron to neuron, so F is needed with a row for each neuron.
  Scratch<T> by_target(rows * width), f(width * rows), df(width * rows);
  zero(by_target.data(), rows * width);
  zero(df.data(), width * rows);
  for (int64_t m = 0; m < targets; ++m)
    connection_strength(n, width, layer.weight + m * n, layer.gamma, by_target.data() + m * width);
  transpose_copy(rows, width, by_target.data(), width, f.data(), rows);

  Scratch<int32_t> order(samples * n);
  parallel_for(samples, column_grain(n), [&](int64_t s, int64_t end) {
    for (; s < end; ++s) sort_neurons(n, layer.h + s * n, order.data() + s * n);
  });

  const int64_t vectors = rows / lanes, chunks = ceil_div(vectors, 4);
  Scratch<T> push(chunks * samples * n);
  Scratch<double> parts(chunks);
  zero(push.data(), chunks * samples * n);
  parallel_for(chunks, samples * n < (1 << 13) ? chunks : 1, [&](int64_t chunk, int64_t end) {
    for (; chunk < end; ++chunk) {
      parts[chunk] = 0;
      const auto run = [&]<int count>(int64_t first) {
        for (int64_t s = 0; s < samples; ++s)
          for (const int64_t step : {1, -1})
            parts[chunk] += sweep<count>(n, step, layer.h + s * n,
                                         order.data() + s * n + (step > 0 ? 0 : n - 1), rows,
                                         f.data() + first * lanes, df.data() + first * lanes,
                                         push.data() + (chunk * samples + s) * n);
      };
      const int64_t first = chunk * 4, left = vectors - first;
      if (left >= 4)
        run.template operator()<4>(first);
      else if (left == 3)
        run.template operator()<3>(first);
      else if (left == 2)
        run.template operator()<2>(first);
      else
        run.template operator()<1>(first);
    }
  });
  double total = 0;
  for (int64_t chunk = 0; chunk < chunks; ++chunk) total += parts[chunk];

  if (layer.dh) {
    const Vec<T> factor = T(2 * layer.factor);
    map(
        samples * n, layer.dh, [factor](Vec<T> x) { return factor * x; }, push.data());
    for (int64_t chunk = 1; chunk < chunks; ++chunk)
      map(
          samples * n, layer.dh, [factor](Vec<T> x, Vec<T> y) { return x + factor * y; }, layer.dh,
          push.data() + chunk * samples * n);
  }
  if (layer.dweight) {
    Scratch<T> df_by_target(rows * width);
    transpose_copy(width, rows, df.data(), rows, df_by_target.data(), width);
    for (int64_t m = 0; m < targets; ++m)
      strength_gradient(n, layer.weight + m * n, by_target.data() + m * width,
                        df_by_target.data() + m * width, T(2 * layer.factor) * layer.gamma,
                        layer.dweight + m * n);
  }
  return layer.factor * total;
}

template double bean_order1_absolute(const BeanLayer<float>&);
#if HEBB_FLOAT64
template double bean_order1_absolute(const BeanLayer<double>&);
#endif

}  // namespace hebb::cpu::HEBB_ISA
