#include <cmath>
#include <limits>

#include "core/check.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/loops.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

/// f(first, last) for pieces of the rows, on several threads.
template <class F>
void for_rows(int64_t rows, int64_t columns, F f) {
  parallel_for(rows, std::max<int64_t>(1, grain / 4 / (columns + 1)), f);
}

/// A tensor's rows along the last axis.
struct Rows {
  int64_t count, width;

  explicit Rows(const Tensor& x) : count(0), width(x.rank() ? x.size(-1) : 1) {
    if (width > 0) count = x.numel() / width;
  }

  /// f(T* y, const T* x...) for each row.
  template <class T, class F, class... X>
  void map(T* y, F f, const X*... x) const {
    for_rows(count, width, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) f(y + r * width, (x + r * width)...);
    });
  }
};

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
Backend::WithGrad mean_loss(const Tensor& logits, bool with_grad, F f) {
  const int64_t rows = logits.size(0), columns = logits.size(1);
  Backend::WithGrad result;
  if (with_grad) result.grad = Tensor::empty(logits.shape(), logits.options());
  result.value = Tensor::empty({}, logits.options());
  T* grad = data_or_null<T>(result.grad);
  Scratch<T> scratch(3 * rows);
  T *masses = scratch.data(), *scores = masses + rows, *sums = scores + rows;
  for_rows(rows, columns, [&](int64_t begin, int64_t end) {
    Scratch<T> spare(grad ? 0 : columns);
    for (int64_t i = begin; i < end; ++i) {
      const T* x = data_of<T>(logits) + i * columns;
      T* e = grad ? grad + i * columns : spare.data();
      const T largest = row_max(columns, x);
      sums[i] = exp_row(columns, x, e, largest);
      const RowLoss<T> loss = f(i, x, e, largest, sums[i]);
      masses[i] = loss.mass;
      scores[i] = loss.score;
    }
  });
  // All logarithms at once, in vectors.
  using V = Vec<T>;
  const auto loss = [](V mass, V score, V sum) { return mass * log(sum) - score; };
  *data_of<T>(result.value) = T(sum_of<T>(rows, loss, masses, scores, sums) / double(rows));
  return result;
}

}  // namespace

Tensor CpuBackend::softmax(const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const Rows rows(x);
  dispatch_floating(x.dtype(), [&]<class T>() {
    rows.map(
        data_of<T>(y),
        [n = rows.width](T* to, const T* from) {
          scale_row(n, to, T(1) / exp_row(n, from, to, row_max(n, from)));
        },
        data_of<const T>(x));
  });
  return y;
}

Tensor CpuBackend::softmax_backward(const Tensor& dy, const Tensor& y) {
  const Tensor dx = Tensor::empty(y.shape(), y.options());
  const Rows rows(y);
  dispatch_floating(y.dtype(), [&]<class T>() {
    using V = Vec<T>;
    rows.map(
        data_of<T>(dx),
        [n = rows.width](T* to, const T* d, const T* p) {
          const V mean = T(sum_of<T>(
              n, [](V a, V b) { return a * b; }, d, p));
          map(
              n, to, [mean](V a, V b) { return (a - mean) * b; }, d, p);
        },
        data_of<const T>(dy), data_of<const T>(y));
  });
  return dx;
}

Tensor CpuBackend::log_softmax(const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  const Rows rows(x);
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    rows.map(
        data_of<T>(y),
        [n = rows.width](T* to, const T* from) {
          const T largest = row_max(n, from);
          const V shift = largest, log_sum = std::log(exp_row(n, from, to, largest));
          map(
              n, to, [=](V a) { return a - shift - log_sum; }, from);
        },
        data_of<const T>(x));
  });
  return y;
}

Tensor CpuBackend::log_softmax_backward(const Tensor& dy, const Tensor& y) {
  const Tensor dx = Tensor::empty(y.shape(), y.options());
  const Rows rows(y);
  dispatch_floating(y.dtype(), [&]<class T>() {
    using V = Vec<T>;
    rows.map(
        data_of<T>(dx),
        [n = rows.width](T* to, const T* d, const T* log_p) {
          const V total = T(sum_of<T>(
              n, [](V a) { return a; }, d));
          map(
              n, to, [total](V a, V b) { return a - exp(b) * total; }, d, log_p);
        },
        data_of<const T>(dy), data_of<const T>(y));
  });
  return dx;
}

Backend::WithGrad CpuBackend::cross_entropy(const Tensor& logits, const Tensor& labels,
                                            double smoothing, bool with_grad) {
  const int64_t rows = logits.size(0), columns = logits.size(1);
  const int64_t* label = data_of<int64_t>(labels);
  for (int64_t i = 0; i < rows; ++i)
    check(label[i] >= 0 && label[i] < columns,
          "[cross_entropy] expected labels in [0, {}), got {} at row {}", columns, label[i], i);
  return dispatch_floating(logits.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const T hit = T(1 - smoothing), share = T(smoothing / double(columns));
    const T weight = T(1 / double(rows));
    const WithGrad result =
        mean_loss<T>(logits, with_grad, [=](int64_t i, const T* x, T* e, T largest, T sum) {
          T score = hit * (x[label[i]] - largest);
          if (smoothing > 0)
            score += share * T(sum_of<T>(
                                 columns, [=](V a) { return a - V(largest); }, x));
          const V scale = weight / sum, shift = weight * share;
          if (with_grad)
            map(
                columns, e, [=](V a) { return a * scale - shift; }, e);
          return RowLoss<T>{T(1), score};
        });
    if (with_grad)
      for (int64_t i = 0; i < rows; ++i)
        data_of<T>(result.grad)[i * columns + label[i]] -= weight * hit;
    return result;
  });
}

Backend::WithGrad CpuBackend::cross_entropy_soft(const Tensor& logits, const Tensor& targets,
                                                 const Tensor& weights, bool with_grad) {
  const int64_t rows = logits.size(0), columns = logits.size(1);
  return dispatch_floating(logits.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const T* row_weights = data_or_null<T>(weights);
    const T* target = data_of<T>(targets);
    const T share = T(1 / double(rows));
    return mean_loss<T>(logits, with_grad, [=](int64_t i, const T* x, T* e, T largest, T sum) {
      const T* t = target + i * columns;
      const T weight = row_weights ? row_weights[i] : T(1);
      const T mass = T(sum_of<T>(
          columns, [](V a) { return a; }, t));
      const T score = T(sum_of<T>(
          columns, [=](V a, V b) { return a * (b - V(largest)); }, t, x));
      if (with_grad) {
        const V scale = weight * share * mass / sum, slope = weight * share;
        map(
            columns, e, [=](V a, V b) { return a * scale - b * slope; }, e, t);
      }
      return RowLoss<T>{weight * mass, weight * score};
    });
  });
}

}  // namespace hebb::cpu::HEBB_ISA
