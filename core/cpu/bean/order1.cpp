#include "core/cpu/bean/bean.hpp"
#include "core/cpu/bean/strength.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// What the targets' pull is added up in: the activations less each sample's mean, which changes
/// no difference but keeps their common part out of the weighted means.
template <class T>
struct Spread {
  explicit Spread(const BeanLayer<T>& layer)
      : samples(layer.samples),
        neurons(layer.neurons),
        width(padded<T>(neurons)),
        h(samples * width),
        force(samples * width) {
    zero(force.data(), samples * width);
    for (int64_t s = 0; s < samples; ++s) {
      const T* from = layer.h + s * neurons;
      T* to = h.data() + s * width;
      const Vec<T> mean = T(sum_of<T>(
                                neurons, [](Vec<T> x) { return x; }, from) /
                            double(neurons));
      map(
          neurons, to, [mean](Vec<T> x) { return x - mean; }, from);
      zero(to + neurons, width - neurons);
    }
  }

  /// Σ_r c_r u_r Σ_s Σ_i f_ri (h_si - μ_sr)² for rows f [rows, width], and its derivative df;
  /// adds half of the derivative to h to `force`.
  double add(int64_t rows, const T* f, const T* c, T* df);

  void write(double factor, T* dh) {
    for (int64_t s = 0; s < samples; ++s)
      map(
          neurons, dh + s * neurons, [factor](Vec<T> x) { return Vec<T>(T(factor)) * x; },
          force.data() + s * width);
  }

  int64_t samples, neurons, width;
  Scratch<T> h, force;

 private:
  void centres(int64_t rows, const T* f, const T* u, T* centre);
};

/// products[k * stride] = <x, y[k]> for `rows` rows y.
template <int rows, class T>
inline void dots(int64_t width, const T* x, const T* y, T* products) {
  using V = Vec<T>;
  V total[rows];
  for (V& t : total) t = T(0);
  for (int64_t i = 0; i < width; i += V::lanes) {
    const V a = load(x + i);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) total[r] += a * load(y + r * width + i);
  }
  for (int r = 0; r < rows; ++r) products[r] = sum(total[r]);
}

/// The weighted means centre[s, r] = Σ_i f_ri h_si / u_r; 0 where all weights are.
template <class T>
void Spread<T>::centres(int64_t rows, const T* f, const T* u, T* centre) {
  parallel_for(samples, column_grain(rows * width / Vec<T>::lanes), [&](int64_t s, int64_t end) {
    for (; s < end; ++s) {
      T* row = centre + s * rows;
      for_row_tiles(rows, [&]<int n>(int64_t r) {
        dots<n>(width, h.data() + s * width, f + r * width, row + r);
      });
      for (int64_t r = 0; r < rows; ++r) row[r] = u[r] > T(0) ? row[r] / u[r] : T(0);
    }
  });
}

template <class T>
double Spread<T>::add(int64_t rows, const T* f, const T* c, T* df) {
  using V = Vec<T>;
  constexpr int64_t lanes = V::lanes;
  Scratch<T> u(rows), centre(samples * rows), value(rows);
  for (int64_t r = 0; r < rows; ++r) {
    V total = T(0);
    for (int64_t i = 0; i < width; i += lanes) total += load(f + r * width + i);
    u[r] = sum(total);
  }
  centres(rows, f, u.data(), centre.data());

  // df holds the squared distances to the centres for the moment.
  const int64_t grain = column_grain(rows * samples);
  parallel_for(width / lanes, grain, [&](int64_t begin, int64_t end) {
    for_row_tiles(rows, [&]<int n>(int64_t r) {
      for (int64_t i = begin * lanes; i < end * lanes; i += lanes) {
        V weight[n], distance[n];
        for (int k = 0; k < n; ++k)
          weight[k] = V(c[r + k] * u[r + k]) * load(f + (r + k) * width + i);
        pull<Divergence::squared>(samples, h.data() + i, width, centre.data() + r, rows, weight,
                                  distance, force.data() + i);
        for (int k = 0; k < n; ++k) store(df + (r + k) * width + i, distance[k]);
      }
    });
  });

  parallel_for(rows, row_grain(width), [&](int64_t r, int64_t end) {
    for (; r < end; ++r) {
      const T* row = f + r * width;
      T* d = df + r * width;
      V total = T(0);
      for (int64_t i = 0; i < width; i += lanes) total += load(row + i) * load(d + i);
      const T v = sum(total);
      const V cu = c[r] * u[r], cv = c[r] * v;
      for (int64_t i = 0; i < width; i += lanes) store(d + i, cu * load(d + i) + cv);
      value[r] = c[r] * u[r] * v;
    }
  });
  double total = 0;
  for (int64_t r = 0; r < rows; ++r) total += double(value[r]);
  return total;
}

/// Few rows at a time stay in the nearest cache; many samples make up for a bigger block.
constexpr int64_t block_rows(int64_t samples) { return samples < 16 ? 8 : 64; }

}  // namespace

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

template double bean_order1(const BeanLayer<float>&);
template double bean_order1(const BeanLayer<double>&);
template double bean_order2_by_targets(const BeanLayer<float>&);
template double bean_order2_by_targets(const BeanLayer<double>&);

}  // namespace hebb::cpu::HEBB_ISA
