#include <cmath>

#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"
#include "core/cpu/simd/math.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Channels that are worked on together, all their passes one after the other while a cache holds
/// them. Planes of few elements come in groups, so that what is read at once is long enough for
/// the processor to foresee, and their sums do not cost more than their elements.
struct Group {
  static constexpr int64_t most = 64;
  int64_t first, count;
};

template <class F>
void for_each_group(const NormPlanes& planes, F f) {
  constexpr int64_t elements = 256;  // of one sample, at least
  const int64_t size = smaller(Group::most, ceil_div(elements, larger(1, planes.size)));
  parallel_for(planes.channels, larger(size, row_grain(planes.batch * planes.size) / size * size),
               [&](int64_t begin, int64_t end) {
                 for (int64_t c = begin; c < end; c += size) f(Group{c, smaller(size, end - c)});
               });
}

/// f(k, at) for each plane of a group: k is the channel's number in it, at where the plane begins.
template <class F>
void for_each_plane(const NormPlanes& planes, Group group, F f) {
  for (int64_t n = 0; n < planes.batch; ++n)
    for (int64_t k = 0; k < group.count; ++k)
      f(k, (n * planes.channels + group.first + k) * planes.size);
}

/// M sums, added up side by side.
template <int M, class V>
struct Sums {
  V sum[M];
};

template <int M, class V>
void add(Sums<M, V>& sums, const Sums<M, V>& terms) {
  for (int m = 0; m < M; ++m) sums.sum[m] += terms.sum[m];
}

/// sums += f(load(x)...) over a run of n elements.
template <int M, class T, class F, class... X>
void add_run(int64_t n, Sums<M, Vec<T>>& sums, F f, const X*... x) {
  using V = Vec<T>;
  Sums<M, V> odd;
  for (V& sum : odd.sum) sum = V(T(0));
  int64_t i = 0;
  for (; i + 2 * V::lanes <= n; i += 2 * V::lanes) {
    add(sums, f(load(x + i)...));
    add(odd, f(load(x + i + V::lanes)...));
  }
  for (; i < n; i += V::lanes) {
    const int64_t left = smaller(V::lanes, n - i);
    Sums<M, V> last = f(load(x + i, left)...);
    for (V& term : last.sum) term = first_lanes(term, left, T(0));
    add(sums, last);
  }
  add(sums, odd);
}

/// M sums for each channel of a group: sums[k] = Σ f(k, x...). Each lane adds up to 128 numbers,
/// the rest is added in double; the order depends on the width of the vectors alone.
template <int M, class T, class F, class... X>
void sum_channels(const NormPlanes& planes, Group group, Sums<M, double>* sums, F f,
                  const X*... x) {
  constexpr int64_t segment = 128 * Vec<T>::lanes;
  const int64_t samples = larger(1, segment / planes.size);
  Sums<M, Vec<T>> partial[Group::most];
  for (int64_t k = 0; k < group.count; ++k) sums[k] = {};
  for (int64_t begin = 0; begin < planes.batch; begin += samples)
    for (int64_t i = 0; i < planes.size; i += segment) {
      for (int64_t k = 0; k < group.count; ++k)
        for (Vec<T>& sum : partial[k].sum) sum = Vec<T>(T(0));
      const int64_t length = smaller(segment, planes.size - i);
      for (int64_t n = begin; n < smaller(planes.batch, begin + samples); ++n)
        for (int64_t k = 0; k < group.count; ++k) {
          const int64_t at = (n * planes.channels + group.first + k) * planes.size + i;
          add_run<M, T>(
              length, partial[k], [&f, k](auto... v) { return f(k, v...); }, (x + at)...);
        }
      for (int64_t k = 0; k < group.count; ++k)
        for (int m = 0; m < M; ++m) sums[k].sum[m] += double(sum(partial[k].sum[m]));
    }
}

double values(const NormPlanes& planes) { return double(planes.batch * planes.size); }

/// A channel's statistics. Elements are centred by the mean rounded to their type, whose rounding
/// is made good afterwards: with it, large means cost no accuracy.
template <class T>
struct Moments {
  T center;
  double mean, variance;
};

template <class T, class E>
void batch_moments(const NormPlanes& planes, Group group, const E* x, Moments<T>* moments) {
  using V = Vec<T>;
  Sums<1, double> sums[Group::most];
  sum_channels<1, T>(
      planes, group, sums, [](int64_t, V a) { return Sums<1, V>{{a}}; }, x);
  for (int64_t k = 0; k < group.count; ++k) {
    moments[k].mean = sums[k].sum[0] / values(planes);
    moments[k].center = T(moments[k].mean);
  }
  const auto square = [moments](int64_t k, V a) {
    const V centred = a - V(moments[k].center);
    return Sums<1, V>{{centred * centred}};
  };
  sum_channels<1, T>(planes, group, sums, square, x);
  for (int64_t k = 0; k < group.count; ++k) {
    const double rounding = moments[k].mean - double(moments[k].center);
    const double variance = sums[k].sum[0] / values(planes) - rounding * rounding;
    moments[k].variance = variance > 0 ? variance : 0;
  }
}

template <class T>
void move_running(T* running, double batch, double momentum) {
  *running = T((1 - momentum) * double(*running) + momentum * batch);
}

template <bool Relu, class T, class E>
void normalize_plane(int64_t n, Vec<T> center, Vec<T> scale, Vec<T> shift, const E* x,
                     const E* residual, E* y) {
  using V = Vec<T>;
  const auto finish = [](V a) { return Relu ? relu(a) : a; };
  const auto normalize = [=](V a) { return (a - center) * scale + shift; };
  if (residual)
    map(
        n, y, [=](V a, V r) { return finish(normalize(a) + r); }, x, residual);
  else
    map(
        n, y, [=](V a) { return finish(normalize(a)); }, x);
}

/// Activations are of type E, which is T or less.
template <class T, class E>
void batch_norm(const NormPlanes& planes, const BatchNormOptions& options, const E* x,
                const T* weight, const T* bias, const E* residual, T* running_mean,
                T* running_variance, E* y, double* statistics) {
  for_each_group(planes, [&](Group group) {
    Moments<T> moments[Group::most];
    if (options.training) batch_moments(planes, group, x, moments);
    T scale[Group::most], shift[Group::most];
    for (int64_t k = 0; k < group.count; ++k) {
      const int64_t c = group.first + k;
      Moments<T>& m = moments[k];
      if (!options.training) {
        m = {running_mean[c], double(running_mean[c]), double(running_variance[c])};
      } else {
        const double unbiased = m.variance * values(planes) / (values(planes) - 1);
        if (running_mean) move_running(running_mean + c, m.mean, options.momentum);
        if (running_variance) move_running(running_variance + c, unbiased, options.momentum);
      }
      const double inverse = 1 / std::sqrt(m.variance + options.epsilon);
      const double slope = weight ? inverse * double(weight[c]) : inverse;
      statistics[c] = m.mean;
      statistics[planes.channels + c] = inverse;
      scale[k] = T(slope);
      shift[k] = T((bias ? double(bias[c]) : 0) + (double(m.center) - m.mean) * slope);
    }
    const auto plane = options.relu ? normalize_plane<true, T, E> : normalize_plane<false, T, E>;
    for_each_plane(planes, group, [&](int64_t k, int64_t at) {
      plane(planes.size, moments[k].center, scale[k], shift[k], x + at,
            residual ? residual + at : nullptr, y + at);
    });
  });
}

/// g = dy where the ReLU let y through.
template <class E>
void mask_group(const NormPlanes& planes, Group group, const E* dy, const E* y, E* g) {
  using T = Number<E>;
  using V = Vec<T>;
  for_each_plane(planes, group, [&](int64_t, int64_t at) {
    map(
        planes.size, g + at, [](V d, V v) { return select(v <= V(T(0)), V(T(0)), d); }, dy + at,
        y + at);
  });
}

// With z = (x - mean) inverse: dx = weight inverse (g - mean(g) - z mean(g z)), where the means
// are there because the batch's statistics depend on x.
template <class T, class E>
void batch_norm_backward(const NormPlanes& planes, const BatchNormOptions& options, const E* dy,
                         const E* x, const T* weight, const E* y, const double* statistics, E* dx,
                         T* dweight, T* dbias, E* dresidual) {
  using V = Vec<T>;
  for_each_group(planes, [&](Group group) {
    const E* g = dy;
    if (options.relu) {
      E* masked = dresidual ? dresidual : dx;
      mask_group(planes, group, dy, y, masked);
      g = masked;
    }
    T center[Group::most], scale[Group::most], shift[Group::most], slope[Group::most];
    for (int64_t k = 0; k < group.count; ++k) center[k] = T(statistics[group.first + k]);
    Sums<2, double> sums[Group::most];
    const auto terms = [&center](int64_t k, V a, V b) {
      return Sums<2, V>{{a, a * (b - V(center[k]))}};
    };
    sum_channels<2, T>(planes, group, sums, terms, g, x);
    for (int64_t k = 0; k < group.count; ++k) {
      const int64_t c = group.first + k;
      const double mean = statistics[c], inverse = statistics[planes.channels + c];
      const double rounding = double(center[k]) - mean;
      const double sum = sums[k].sum[0], product = (sums[k].sum[1] + rounding * sum) * inverse;
      dbias[c] = T(sum);
      dweight[c] = T(product);
      scale[k] = T(weight ? inverse * double(weight[c]) : inverse);
      const double tilt = options.training ? product * inverse / values(planes) : 0;
      slope[k] = T(tilt);
      shift[k] = T(options.training ? sum / values(planes) + rounding * tilt : 0);
    }
    for_each_plane(planes, group, [&](int64_t k, int64_t at) {
      map(
          planes.size, dx + at,
          [m = V(center[k]), s = V(scale[k]), a = V(shift[k]), b = V(slope[k])](V d, V v) {
            return s * (d - a - (v - m) * b);
          },
          g + at, x + at);
    });
  });
}

}  // namespace

template <class T>
NormalizeKernels<T> normalize_kernels() {
  return {.batch_norm = batch_norm<T, T>, .batch_norm_backward = batch_norm_backward<T, T>};
}

template NormalizeKernels<float> normalize_kernels();
#if HEBB_AMX
NormalizeKernels<float, Bfloat16> bfloat16_normalize_kernels() {
  return {.batch_norm = batch_norm<float, Bfloat16>,
          .batch_norm_backward = batch_norm_backward<float, Bfloat16>};
}
#endif
#if HEBB_FLOAT64
template NormalizeKernels<double> normalize_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
