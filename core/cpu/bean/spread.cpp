#include "core/cpu/bean/spread.hpp"

#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

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

}  // namespace

template <class T>
Spread<T>::Spread(const BeanLayer<T>& layer)
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
  const int64_t piece = column_grain(rows * samples);
  parallel_for(width / lanes, piece, [&](int64_t begin, int64_t end) {
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

template <class T>
void Spread<T>::write(double factor, T* dh) const {
  for (int64_t s = 0; s < samples; ++s)
    map(
        neurons, dh + s * neurons, [factor](Vec<T> x) { return Vec<T>(T(factor)) * x; },
        force.data() + s * width);
}

template struct Spread<float>;
#if HEBB_FLOAT64
template struct Spread<double>;
#endif

}  // namespace hebb::cpu::HEBB_ISA
