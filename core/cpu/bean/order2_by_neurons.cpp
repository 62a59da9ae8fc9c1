#include "core/cpu/bean/forms.hpp"
#include "core/cpu/bean/strength.hpp"
#include "core/cpu/gemm/gemm.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// The neurons in the order in which this form lays them out as columns: active ones, zeros up to
/// whole vectors, silent ones, zeros. Pairs of silent neurons are one block at the end.
template <class T>
struct Columns {
  explicit Columns(const BeanLayer<T>& layer)
      : neurons(layer.neurons), position(neurons), neuron(2 * padded<T>(neurons)) {
    Scratch<T> activity(neurons);
    active = find_active(layer, activity.data());
    active_width = padded<T>(active);
    silent_width = padded<T>(active_width + neurons - active) - active_width;
    int64_t a = 0, z = active_width;
    for (int64_t i = 0; i < neurons; ++i) {
      position[i] = int32_t(activity[i] != T(0) ? a++ : z++);
      neuron[position[i]] = int32_t(i);
    }
  }

  /// activity[i] = Σ_s |h_si|; returns how many are not 0.
  static int64_t find_active(const BeanLayer<T>& layer, T* activity) {
    zero(activity, layer.neurons);
    for (int64_t s = 0; s < layer.samples; ++s)
      map(
          layer.neurons, activity, [](Vec<T> a, Vec<T> x) { return a + abs(x); }, activity,
          layer.h + s * layer.neurons);
    return std::count_if(activity, activity + layer.neurons, [](T x) { return x != T(0); });
  }

  int64_t width() const { return active_width + silent_width; }
  int64_t silent() const { return neurons - active; }

  void arrange(const T* row, T* columns) {
    for (int64_t k = 0; k < active; ++k) columns[k] = row[neuron[k]];
    zero(columns + active, active_width - active);
    for (int64_t k = active_width; k < active_width + silent(); ++k) columns[k] = row[neuron[k]];
    zero(columns + active_width + silent(), silent_width - silent());
  }
  void restore(const T* columns, T* row) {
    for (int64_t i = 0; i < neurons; ++i) row[i] = columns[position[i]];
  }

  int64_t neurons, active = 0, active_width = 0, silent_width = 0;
  Scratch<int32_t> position, neuron;
};

/// All pairs of neurons of which one is active at least.
template <class T>
struct NeuronPairs {
  using V = Vec<T>;
  static constexpr int64_t lanes = V::lanes;

  explicit NeuronPairs(const BeanLayer<T>& of)
      : layer(of),
        columns(layer),
        width(columns.width()),
        h(layer.samples * width),
        force(layer.samples * width),
        f(layer.targets * width),
        k(columns.active_width * width) {
    const int64_t n = layer.neurons;
    zero(force.data(), layer.samples * width);
    for (int64_t s = 0; s < layer.samples; ++s)
      columns.arrange(layer.h + s * n, h.data() + s * width);
    Scratch<T> row(padded<T>(n));
    for (int64_t m = 0; m < layer.targets; ++m) {
      connection_strength(n, padded<T>(n), layer.weight + m * n, layer.gamma, row.data());
      columns.arrange(row.data(), f.data() + m * width);
    }
    symmetric_product(columns.active_width, width, layer.targets, f.data(), f.data(), width,
                      k.data(), width);
  }

  template <Divergence divergence>
  void pull_by_silent();
  template <Divergence divergence>
  double pull_by_active();
  void write_dh(double factor);
  void write_dweight();

  const BeanLayer<T>& layer;
  Columns<T> columns;
  int64_t width;
  Scratch<T> h, force;  // [samples, width]
  Scratch<T> f;         // [targets, width]
  Scratch<T> k;         // F Fᵀ, rows of active neurons [active_width, width]
};

/// Adds what silent neurons do to active ones to `force`.
template <class T>
template <Divergence divergence>
void NeuronPairs<T>::pull_by_silent() {
  const int64_t active_width = columns.active_width;
  if (columns.silent_width == 0) return;
  Scratch<T> strength(active_width);
  for (int64_t i = 0; i < active_width; ++i) {
    V total = T(0);
    for (int64_t j = active_width; j < width; j += lanes) {
      const V x = load(k.data() + i * width + j);
      total += x * x;
    }
    strength[i] = sum(total);
  }
  for (int64_t s = 0; s < layer.samples; ++s)
    map(
        active_width, force.data() + s * width,
        [](V x, V w) { return w * (divergence == Divergence::squared ? x : sign(x)); },
        h.data() + s * width, strength.data());
}

/// Adds what active neurons do to all to `force`; K becomes K∘D, the derivative to K. Returns
/// Σ_ij K_ij² D_ij.
template <class T>
template <Divergence divergence>
double NeuronPairs<T>::pull_by_active() {
  const int64_t samples = layer.samples, active = columns.active;
  const int64_t vectors = width / lanes, piece = column_grain(active * (samples + 4));
  Scratch<double> parts(ceil_div(vectors, piece));
  parallel_for(vectors, piece, [&](int64_t begin, int64_t end) {
    double& part = parts[begin / piece] = 0;
    for_row_tiles(active, [&]<int rows>(int64_t r) {
      V value = T(0);
      for (int64_t j = begin * lanes; j < end * lanes; j += lanes) {
        V weight[rows], distance[rows];
        T* block = k.data() + r * width + j;
        for (int i = 0; i < rows; ++i) {
          const V x = load(block + i * width);
          weight[i] = x * x;
        }
        pull<divergence>(samples, h.data() + j, width, h.data() + r, width, weight, distance,
                         force.data() + j);
        const V times = j < columns.active_width ? T(1) : T(2);
        for (int i = 0; i < rows; ++i) {
          value += times * weight[i] * distance[i];
          store(block + i * width, load(block + i * width) * distance[i]);
        }
      }
      part += double(sum(value));
    });
  });
  double total = 0;
  for (int64_t p = 0; p < ceil_div(vectors, piece); ++p) total += parts[p];
  return total;
}

template <class T>
void NeuronPairs<T>::write_dh(double factor) {
  for (int64_t s = 0; s < layer.samples; ++s) {
    T* dh = layer.dh + s * layer.neurons;
    columns.restore(force.data() + s * width, dh);
    map(
        layer.neurons, dh, [factor = V(T(factor))](V x) { return factor * x; }, dh);
  }
}

/// From df = F (K∘D), whose rows of silent neurons are the transposed block of the active ones.
template <class T>
void NeuronPairs<T>::write_dweight() {
  const int64_t n = layer.neurons, targets = layer.targets;
  const int64_t active_width = columns.active_width, silent_width = columns.silent_width;
  Scratch<T> row(padded<T>(n)), df(targets * width), mirrored(silent_width * active_width);
  transpose_copy(active_width, silent_width, k.data() + active_width, width, mirrored.data(),
                 active_width);
  parallel_gemm<T>({.m = targets,
                    .n = width,
                    .k = columns.active,
                    .a = {f.data(), width},
                    .b = {k.data(), width},
                    .c = df.data(),
                    .c_stride = width});
  parallel_gemm<T>({.m = targets,
                    .n = active_width,
                    .k = columns.silent(),
                    .a = {f.data() + active_width, width},
                    .b = {mirrored.data(), active_width},
                    .c = df.data(),
                    .c_stride = width,
                    .beta = 1});
  const V factor = T(4 * layer.factor) * layer.gamma, one = T(1);
  for (int64_t m = 0; m < targets; ++m) {
    T *strength = f.data() + m * width, *gradient = df.data() + m * width;
    map(
        width, gradient, [one](V d, V x) { return d * (one - x * x); }, gradient, strength);
    columns.restore(gradient, row.data());
    map(
        n, layer.dweight + m * n, [factor](V w, V d) { return sign(w) * (factor * d); },
        layer.weight + m * n, row.data());
  }
}

template <Divergence divergence, class T>
double by_neurons(const BeanLayer<T>& layer) {
  NeuronPairs<T> pairs(layer);
  pairs.template pull_by_silent<divergence>();
  const double total = pairs.template pull_by_active<divergence>();
  if (layer.dh) pairs.write_dh((divergence == Divergence::squared ? 4 : 2) * layer.factor);
  if (layer.dweight) pairs.write_dweight();
  return layer.factor * total;
}

}  // namespace

template <class T>
int64_t count_active(const BeanLayer<T>& layer) {
  Scratch<T> activity(layer.neurons);
  return Columns<T>::find_active(layer, activity.data());
}

template <class T>
double bean_order2_by_neurons(const BeanLayer<T>& layer, Divergence divergence) {
  return divergence == Divergence::squared ? by_neurons<Divergence::squared>(layer)
                                           : by_neurons<Divergence::absolute>(layer);
}

template int64_t count_active(const BeanLayer<float>&);
template double bean_order2_by_neurons(const BeanLayer<float>&, Divergence);
#if HEBB_FLOAT64
template int64_t count_active(const BeanLayer<double>&);
template double bean_order2_by_neurons(const BeanLayer<double>&, Divergence);
#endif

}  // namespace hebb::cpu::HEBB_ISA
