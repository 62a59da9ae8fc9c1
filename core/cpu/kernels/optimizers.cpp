#include "core/cpu/kernels/table.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/loops.hpp"

/// Optimiser updates in one pass over the memory, each with the formula that PyTorch has.

namespace hebb::cpu::HEBB_ISA {
namespace {

/// Calls body(i, n) for every vector of n lanes from element i on.
template <class T, class Body>
void for_each_vector(int64_t n, Body&& body) {
  constexpr int64_t lanes = Vec<T>::lanes;
  parallel_for(n, grain, [&](int64_t begin, int64_t end) {
    const auto update = body;  // here, lest stores seem to change what it holds
    int64_t i = begin;
    for (; i + lanes <= end; i += lanes)
      update([](const T* p) { return load(p); }, [](T* p, Vec<T> x) { store(p, x); }, i);
    if (i < end)
      update([left = end - i](const T* p) { return load(p, left); },
             [left = end - i](T* p, Vec<T> x) { store(p, x, left); }, i);
  });
}

template <class... T>
inline void prefetch(int64_t i, const T*... from) {
  constexpr int64_t elements_ahead = 512;
  (__builtin_prefetch(from + i + elements_ahead), ...);
}

/// a / d for d > 0. The float estimate and one Newton step are as good as a division to 1 ulp, and
/// leave the divider to the root that goes before.
inline Vec<double> divide(Vec<double> a, Vec<double> d) { return a / d; }
inline Vec<float> divide(Vec<float> a, Vec<float> d) {
#if defined(__AVX512F__)
  using V = Vec<float>;
  d = min(d, V(1e38f));
  const V estimate = V(_mm512_maskz_rcp14_ps(0xffff, d.v));
  return a * (estimate + estimate * (V(1.0f) - d * estimate));
#else
  return a / d;
#endif
}

// The part that Adam and NAdam share: moves the averages along, and has
// change(gradient, m, root of v + epsilon) say what is taken from each parameter.
template <class T, class Change>
void update_by_moments(int64_t n, T* param, const T* grad, T* m, T* v, const AdamStep& s,
                       Change change) {
  using V = Vec<T>;
  const V keep1 = T(s.beta1), take1 = T(1 - s.beta1), keep2 = T(s.beta2), take2 = T(1 - s.beta2);
  const V scale = T(1 / __builtin_sqrt(s.bias_correction2)), epsilon = T(s.epsilon);
  const V decay = T(s.decoupled ? 0.0 : s.weight_decay);
  const V shrink = T(s.decoupled ? 1.0 - s.lr * s.weight_decay : 1.0);
  for_each_vector<T>(n, [=](auto read, auto write, int64_t i) {
    // Four streams from beyond the second-level cache are more than the processor foresees.
    prefetch(i, param, grad, m, v);
    const V p = read(param + i) * shrink;
    const V g = read(grad + i) + decay * p;
    const V mean = keep1 * read(m + i) + take1 * g;
    const V square = keep2 * read(v + i) + take2 * (g * g);
    write(m + i, mean);
    write(v + i, square);
    write(param + i, p - change(g, mean, sqrt(square) * scale + epsilon));
  });
}

/// Adam (Kingma and Ba 2015): m and v are the moving averages of the gradient and its square, and
/// param -= lr / bias_correction1 * m / (sqrt(v) / sqrt(bias_correction2) + epsilon).
template <class T>
void adam(int64_t n, T* param, const T* grad, T* m, T* v, const AdamStep& s) {
  using V = Vec<T>;
  const V step = T(s.lr / s.bias_correction1);
  update_by_moments(n, param, grad, m, v, s,
                    [step](V, V mean, V root) { return step * divide(mean, root); });
}

/// NAdam (Dozat 2016): Adam with Nesterov's look-ahead, param -= lr (
///   (1 - mu) / (1 - mu_product) grad + mu_next / (1 - mu_product mu_next) m) /
///   (sqrt(v / bias_correction2) + epsilon).
template <class T>
void nadam(int64_t n, T* param, const T* grad, T* m, T* v, const NadamStep& s) {
  using V = Vec<T>;
  const V of_grad = T(s.adam.lr * (1 - s.mu) / (1 - s.mu_product));
  const V of_mean = T(s.adam.lr * s.mu_next / (1 - s.mu_product * s.mu_next));
  update_by_moments(n, param, grad, m, v, s.adam, [=](V g, V mean, V root) {
    return divide(of_grad * g + of_mean * mean, root);
  });
}

/// buffer = momentum buffer + (1 - dampening) grad; param -= lr buffer, or
/// lr (grad + momentum buffer) with Nesterov.
template <class T>
void sgd(int64_t n, T* param, const T* grad, T* momentum_buffer, const SgdStep& s) {
  using V = Vec<T>;
  const V lr = T(s.lr), momentum = T(s.momentum), decay = T(s.weight_decay);
  const V taken = T(1 - s.dampening);
  const bool buffered = s.momentum != 0.0, first = s.first, nesterov = s.nesterov;
  for_each_vector<T>(n, [=](auto read, auto write, int64_t i) {
    const V p = read(param + i);
    V g = read(grad + i) + decay * p;
    if (buffered) {
      const V velocity = first ? g : momentum * read(momentum_buffer + i) + taken * g;
      write(momentum_buffer + i, velocity);
      g = nesterov ? g + momentum * velocity : velocity;
    }
    write(param + i, p - lr * g);
  });
}

/// Pieces' sums, added up in order.
template <class T>
double sum_squares(int64_t n, const T* x) {
  const int64_t pieces = ceil_div(n, grain);
  Scratch<double> partial(pieces);
  parallel_for(n, grain, [&, sums = partial.data()](int64_t begin, int64_t end) {
    sums[begin / grain] = sum_of<T>(
        end - begin, [](Vec<T> a) { return a * a; }, x + begin);
  });
  double total = 0;
  for (int64_t i = 0; i < pieces; ++i) total += partial[i];
  return total;
}

template <class T>
void scale(int64_t n, double factor, T* x) {
  parallel_map(
      n, x, [s = Vec<T>(T(factor))](Vec<T> a) { return a * s; }, x);
}

}  // namespace

template <class T>
OptimizerKernels<T> optimizer_kernels() {
  return {.sgd = sgd<T>,
          .adam = adam<T>,
          .nadam = nadam<T>,
          .sum_squares = sum_squares<T>,
          .scale = scale<T>};
}

template OptimizerKernels<float> optimizer_kernels();
#if HEBB_FLOAT64
template OptimizerKernels<double> optimizer_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
