#include <cmath>
#include <cstring>
#include <limits>

#include "core/cpu/kernels/table.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/loops.hpp"
#include "core/cpu/simd/math.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// f(first, last) for pieces of the rows, on several threads.
template <class F>
void for_rows(int64_t rows, int64_t width, F f) {
  parallel_for(rows, std::max<int64_t>(1, grain / 4 / (width + 1)), f);
}

/// f(T* y, const T* x...) for each row.
template <class T, class F, class... X>
void map_rows(int64_t rows, int64_t width, T* y, F f, const X*... x) {
  for_rows(rows, width, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) f(y + r * width, (x + r * width)...);
  });
}

template <class T>
T row_max(int64_t n, const T* x) {
  using V = Vec<T>;
  constexpr int64_t lanes = V::lanes;
  V best = -std::numeric_limits<T>::infinity();
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) best = max(load(x + i), best);
  if (i < n) best = max(first_lanes(load(x + i, n - i), n - i, best[0]), best);
  return fold_lanes(best, [](V a, V b) { return max(a, b); });
}

/// y = e^(x - shift); their sum.
template <class T>
T exp_row(int64_t n, const T* x, T* y, T shift) {
  return T(map_sum(
      n, y, [shift](Vec<T> a) { return exp(a - Vec<T>(shift)); }, x));
}

template <class T>
void scale_row(int64_t n, T* y, T scale) {
  map(
      n, y, [scale](Vec<T> a) { return a * Vec<T>(scale); }, y);
}

/// A row's loss is mass log Σ e^(x - max) - score.
template <class T>
struct RowLoss {
  T mass, score;
};

/// The mean of the rows' losses and, where asked for, its gradient. f(row, x, e, max, sum) gives a
/// RowLoss; e = e^(x - max) is the gradient's row, for f to turn into it.
template <class T, class F>
void mean_loss(int64_t rows, int64_t width, const T* logits, T* mean, T* grad, F f) {
  Scratch<T> scratch(3 * rows);
  T *masses = scratch.data(), *scores = masses + rows, *sums = scores + rows;
  for_rows(rows, width, [&](int64_t begin, int64_t end) {
    Scratch<T> spare(grad ? 0 : width);
    for (int64_t i = begin; i < end; ++i) {
      const T* x = logits + i * width;
      T* e = grad ? grad + i * width : spare.data();
      const T largest = row_max(width, x);
      sums[i] = exp_row(width, x, e, largest);
      const RowLoss<T> loss = f(i, x, e, largest, sums[i]);
      masses[i] = loss.mass;
      scores[i] = loss.score;
    }
  });
  // All logarithms at once, in vectors.
  using V = Vec<T>;
  const auto loss = [](V mass, V score, V sum) { return mass * log(sum) - score; };
  *mean = T(sum_of<T>(rows, loss, masses, scores, sums) / double(rows));
}

template <class T>
void softmax(int64_t rows, int64_t width, const T* x, T* y) {
  map_rows(
      rows, width, y,
      [width](T* to, const T* from) {
        scale_row(width, to, T(1) / exp_row(width, from, to, row_max(width, from)));
      },
      x);
}

template <class T>
void softmax_backward(int64_t rows, int64_t width, const T* dy, const T* y, T* dx) {
  using V = Vec<T>;
  map_rows(
      rows, width, dx,
      [width](T* to, const T* d, const T* p) {
        const V mean = T(sum_of<T>(
            width, [](V a, V b) { return a * b; }, d, p));
        map(
            width, to, [mean](V a, V b) { return (a - mean) * b; }, d, p);
      },
      dy, y);
}

template <class T>
void log_softmax(int64_t rows, int64_t width, const T* x, T* y) {
  using V = Vec<T>;
  map_rows(
      rows, width, y,
      [width](T* to, const T* from) {
        const T largest = row_max(width, from);
        const V shift = largest, log_sum = std::log(exp_row(width, from, to, largest));
        map(
            width, to, [=](V a) { return a - shift - log_sum; }, from);
      },
      x);
}

template <class T>
void log_softmax_backward(int64_t rows, int64_t width, const T* dy, const T* y, T* dx) {
  using V = Vec<T>;
  map_rows(
      rows, width, dx,
      [width](T* to, const T* d, const T* log_p) {
        const V total = T(sum_of<T>(
            width, [](V a) { return a; }, d));
        map(
            width, to, [total](V a, V b) { return a - exp(b) * total; }, d, log_p);
      },
      dy, y);
}

template <class T>
void cross_entropy(int64_t rows, int64_t width, const T* logits, const int64_t* labels,
                   double smoothing, T* loss, T* grad) {
  using V = Vec<T>;
  const T hit = T(1 - smoothing), share = T(smoothing / double(width));
  const T weight = T(1 / double(rows));
  mean_loss(rows, width, logits, loss, grad, [=](int64_t i, const T* x, T* e, T largest, T sum) {
    T score = hit * (x[labels[i]] - largest);
    if (smoothing > 0)
      score += share * T(sum_of<T>(
                           width, [=](V a) { return a - V(largest); }, x));
    const V scale = weight / sum, shift = weight * share;
    if (grad)
      map(
          width, e, [=](V a) { return a * scale - shift; }, e);
    return RowLoss<T>{T(1), score};
  });
  if (grad)
    for (int64_t i = 0; i < rows; ++i) grad[i * width + labels[i]] -= weight * hit;
}

template <class T>
void cross_entropy_rows(int64_t rows, int64_t width, const T* logits, const int64_t* labels,
                        int64_t ignored, const T* weight, double smoothing, T* losses, T* grad,
                        T* label_weights) {
  using V = Vec<T>;
  const T share = T(smoothing / double(width));
  const T all = weight ? T(sum_of<T>(
                             width, [](V w) { return w; }, weight))
                       : T(width);
  for_rows(rows, width, [&](int64_t begin, int64_t end) {
    Scratch<T> spare(grad ? 0 : width);
    for (int64_t i = begin; i < end; ++i) {
      const T* x = logits + i * width;
      T* e = grad ? grad + i * width : spare.data();
      if (labels[i] == ignored) {
        losses[i] = label_weights[i] = T(0);
        if (grad) std::memset(e, 0, size_t(width) * sizeof(T));
        continue;
      }
      const T of_label = weight ? weight[labels[i]] : T(1), hit = T(1 - smoothing) * of_label;
      const T mass = hit + share * all, largest = row_max(width, x);
      const T sum = exp_row(width, x, e, largest);
      T score = hit * (x[labels[i]] - largest);
      if (smoothing > 0 && weight)
        score += share * T(sum_of<T>(
                             width, [=](V a, V w) { return w * (a - V(largest)); }, x, weight));
      else if (smoothing > 0)
        score += share * T(sum_of<T>(
                             width, [=](V a) { return a - V(largest); }, x));
      losses[i] = mass * std::log(sum) - score;
      label_weights[i] = of_label;
      if (!grad) continue;
      const V scale = mass / sum, shift = share;
      if (weight)
        map(
            width, e, [=](V a, V w) { return a * scale - shift * w; }, e, weight);
      else
        map(
            width, e, [=](V a) { return a * scale - shift; }, e);
      e[labels[i]] -= hit;
    }
  });
}

template <class T>
void cross_entropy_soft(int64_t rows, int64_t width, const T* logits, const T* targets,
                        const T* weights, T* loss, T* grad) {
  using V = Vec<T>;
  const T share = T(1 / double(rows));
  mean_loss(rows, width, logits, loss, grad, [=](int64_t i, const T* x, T* e, T largest, T sum) {
    const T* t = targets + i * width;
    const T weight = weights ? weights[i] : T(1);
    const T mass = T(sum_of<T>(
        width, [](V a) { return a; }, t));
    const T score = T(sum_of<T>(
        width, [=](V a, V b) { return a * (b - V(largest)); }, t, x));
    if (grad) {
      const V scale = weight * share * mass / sum, slope = weight * share;
      map(
          width, e, [=](V a, V b) { return a * scale - b * slope; }, e, t);
    }
    return RowLoss<T>{weight * mass, weight * score};
  });
}

}  // namespace

template <class T>
SoftmaxKernels<T> softmax_kernels() {
  return {.softmax = softmax<T>,
          .softmax_backward = softmax_backward<T>,
          .log_softmax = log_softmax<T>,
          .log_softmax_backward = log_softmax_backward<T>,
          .cross_entropy = cross_entropy<T>,
          .cross_entropy_rows = cross_entropy_rows<T>,
          .cross_entropy_soft = cross_entropy_soft<T>};
}

template SoftmaxKernels<float> softmax_kernels();
#if HEBB_FLOAT64
template SoftmaxKernels<double> softmax_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
