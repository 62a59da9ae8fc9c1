#include <cmath>

#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "gpu/loop_nest.hpp"

/// BEAN in the forms of core/cpu/bean/forms.hpp: by targets and their weighted means, and by pairs
/// of neurons. Nothing has an element for each (sample, neuron, neuron), and no large sums are
/// subtracted from each other.
namespace hebb::cuda {
namespace {

template <class T>
struct StrengthBody {
  T gamma;
  const T* weight;
  T* f;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    f[i] = std::fabs(std::tanh(gamma * weight[i]));
  }
};

template <class T>
struct WeightGradientBody {
  BeanShape shape;
  int order;
  const T *weight, *f, *df;
  T* dweight;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const int64_t replica = shape.scales ? i / (shape.targets * shape.neurons) : 0;
    const T scale = T(2 * shape.factor_of(replica) * shape.gamma * order);
    dweight[i] = sign(weight[i]) * (scale * df[i] * (T(1) - f[i] * f[i]));
  }
};

/// sums[r] = scale Σ_i x[r, i]
template <class T>
struct RowSumsBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  int64_t width;
  double scale;
  const T* x;
  double* sums;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      double sum = 0;
      for (int64_t i = t.index; i < width; i += t.count) sum += double(x[t.block * width + i]);
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      sums[t.block] = scale * shared.total();
    }
  }
};

/// What the targets' pull is computed from: activations less each sample's mean, which changes no
/// difference; the sums u and, of squared distances, v of each target; the centres. Samples and
/// targets are those of all replicas, one after the other.
template <class T>
struct Spread {
  BeanShape shape;
  const T *h, *f;
  double* mean;    // [samples of all]
  double *u, *v;   // [targets of all]
  double* centre;  // [samples of all, targets]

  HEBB_HOST_DEVICE double centred(int64_t sample, int64_t i) const {
    return double(h[sample * shape.neurons + i]) - mean[sample];
  }
};

/// centre[s, m] = Σ_i f_mi h_si / u_m, 0 where all weights are.
template <class T>
struct CentresBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  Spread<T> spread;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t n = spread.shape.neurons, sample = t.block / spread.shape.targets;
    const int64_t replica = sample / spread.shape.samples;
    const int64_t target = replica * spread.shape.targets + t.block % spread.shape.targets;
    if (p == 0) {
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count)
        sum += double(spread.f[target * n + i]) * spread.centred(sample, i);
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      const double u = spread.u[target];
      spread.centre[t.block] = u > 0 ? shared.total() / u : 0;
    }
  }
};

/// v_m = Σ_i f_mi d_mi with d_mi = Σ_s (h_si - centre_sm)², and df_mi = u_m d_mi + v_m.
template <class T>
struct DistancesBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  Spread<T> spread;
  T* df;  // may be null
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t n = spread.shape.neurons, target = t.block;
    if (p == 0) {
      const int64_t replica = target / spread.shape.targets, own = target % spread.shape.targets;
      const int64_t first = replica * spread.shape.samples;
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count) {
        double distance = 0;
        for (int64_t s = first; s < first + spread.shape.samples; ++s) {
          const double apart = spread.centred(s, i) - spread.centre[s * spread.shape.targets + own];
          distance += apart * apart;
        }
        sum += double(spread.f[target * n + i]) * distance;
        if (df) df[target * n + i] = T(distance);
      }
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else {
      const double v = shared.total(), u = spread.u[target];
      for (int64_t i = t.index; df && i < n; i += t.count)
        df[target * n + i] = T(u * double(df[target * n + i]) + v);
      if (t.index == 0) spread.v[target] = u * v;
    }
  }
};

/// dh_si = 4 factor Σ_m u_m f_mi (h_si - centre_sm)
template <class T>
struct PullToCentresBody {
  Spread<T> spread;
  T* dh;
  HEBB_HOST_DEVICE void operator()(int64_t at) const {
    const int64_t n = spread.shape.neurons, targets = spread.shape.targets;
    const int64_t sample = at / n, i = at % n, first = sample / spread.shape.samples * targets;
    const double x = spread.centred(sample, i);
    double sum = 0;
    for (int64_t m = 0; m < targets; ++m)
      sum += spread.u[first + m] * double(spread.f[(first + m) * n + i]) *
             (x - spread.centre[sample * targets + m]);
    dh[at] = T(4 * spread.shape.factor_of(sample / spread.shape.samples) * sum);
  }
};

/// The pairs of neurons, bound by A = K or its square.
template <class T>
struct Pairs {
  BeanShape shape;
  int order;
  Divergence divergence;
  const T* h;
  T* k;  // [replicas, neurons, neurons], symmetric

  HEBB_HOST_DEVICE double bond(T x) const { return order == 1 ? double(x) : double(x) * double(x); }
};

/// dh_si = c Σ_j A_ij d'(h_si - h_sj)
template <class T>
struct PullToNeuronsBody {
  Pairs<T> pairs;
  T* dh;
  HEBB_HOST_DEVICE void operator()(int64_t at) const {
    const int64_t n = pairs.shape.neurons, i = at % n, replica = at / n / pairs.shape.samples;
    const T* row = pairs.h + at / n * n;
    const T* bonds = pairs.k + replica * n * n;
    const bool squared = pairs.divergence == Divergence::squared;
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) {  // K's row j: neighbouring threads read neighbours
      const double apart = double(row[i]) - double(row[j]);
      sum += pairs.bond(bonds[j * n + i]) * (squared ? apart : sign(apart));
    }
    dh[at] = T((squared ? 4 : 2) * pairs.shape.factor_of(replica) * sum);
  }
};

/// K_ij becomes the value's derivative to it but for a factor, D_ij or K_ij D_ij with
/// D_ij = Σ_s d(h_si, h_sj); values[i] = Σ_j A_ij D_ij.
template <class T>
struct PairDistancesBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  Pairs<T> pairs;
  double* values;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t n = pairs.shape.neurons, i = t.block % n;
    if (p == 0) {
      const T* h = pairs.h + t.block / n * pairs.shape.samples * n;
      double sum = 0;
      for (int64_t j = t.index; j < n; j += t.count) {
        double distance = 0;
        for (int64_t s = 0; s < pairs.shape.samples; ++s) {
          const double apart = double(h[s * n + i]) - double(h[s * n + j]);
          distance += pairs.divergence == Divergence::squared ? apart * apart : std::fabs(apart);
        }
        T& k = pairs.k[t.block * n + j];
        sum += pairs.bond(k) * distance;
        k = T(pairs.order == 1 ? distance : double(k) * distance);
      }
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      values[t.block] = shared.total();
    }
  }
};

/// values[r] = times factor Σ_i x[r, i]
template <class T>
struct PenaltyBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  BeanShape shape;
  int64_t n;
  const double* x;
  double times;
  T* values;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local& local) const {
    TotalBody<T>{n, x, times * shape.factor_of(t.block), values}.phase(p, t, shared, local);
  }
};

}  // namespace

template <class T>
void bean_strength(Stream stream, const BeanShape& shape, const T* weight, T* f) {
  for_each(stream, shape.replicas * shape.targets * shape.neurons,
           StrengthBody<T>{T(shape.gamma), weight, f});
}

template <class T>
void bean_weight_gradient(Stream stream, const BeanShape& shape, int order, const T* weight,
                          const T* f, const T* df, T* dweight) {
  for_each(stream, shape.replicas * shape.targets * shape.neurons,
           WeightGradientBody<T>{shape, order, weight, f, df, dweight});
}

int64_t bean_spread_scratch(const BeanShape& shape) {
  return shape.replicas * (shape.samples + 2 * shape.targets + shape.samples * shape.targets);
}

template <class T>
void bean_spread(Stream stream, const BeanShape& shape, const T* h, const T* f, double* scratch,
                 T* value, T* dh, T* df) {
  const int64_t n = shape.neurons, samples = shape.replicas * shape.samples;
  const int64_t targets = shape.replicas * shape.targets;
  double *mean = scratch, *u = mean + samples, *v = u + targets;
  const Spread<T> spread{shape, h, f, mean, u, v, v + targets};
  for_blocks(stream, samples, 64, RowSumsBody<T>{n, 1 / double(n), h, mean});
  for_blocks(stream, targets, 64, RowSumsBody<T>{n, 1.0, f, u});
  for_blocks(stream, samples * shape.targets, 64, CentresBody<T>{spread});
  for_blocks(stream, targets, block_threads, DistancesBody<T>{spread, df});
  for_blocks(stream, shape.replicas, block_threads,
             PenaltyBody<T>{shape, shape.targets, v, 2, value});
  if (dh) for_each(stream, samples * n, PullToCentresBody<T>{spread, dh});
}

int64_t bean_pairs_scratch(const BeanShape& shape) { return shape.replicas * shape.neurons; }

template <class T>
void bean_pairs(Stream stream, const BeanShape& shape, int order, Divergence divergence, const T* h,
                T* k, double* scratch, T* value, T* dh) {
  const Pairs<T> pairs{shape, order, divergence, h, k};
  const int64_t n = shape.neurons;
  if (dh) for_each(stream, shape.replicas * shape.samples * n, PullToNeuronsBody<T>{pairs, dh});
  for_blocks(stream, shape.replicas * n, block_threads, PairDistancesBody<T>{pairs, scratch});
  for_blocks(stream, shape.replicas, block_threads, PenaltyBody<T>{shape, n, scratch, 1, value});
}

#define HEBB_INSTANTIATE(T)                                                                       \
  template void bean_strength(Stream, const BeanShape&, const T*, T*);                            \
  template void bean_weight_gradient(Stream, const BeanShape&, int, const T*, const T*, const T*, \
                                     T*);                                                         \
  template void bean_spread(Stream, const BeanShape&, const T*, const T*, double*, T*, T*, T*);   \
  template void bean_pairs(Stream, const BeanShape&, int, Divergence, const T*, T*, double*, T*,  \
                           T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
