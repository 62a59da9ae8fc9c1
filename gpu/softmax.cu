#include <cmath>

#include "gpu/complaint.hpp"
#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

// A block for each row; short rows have small blocks.
int threads_for(int64_t width) { return width <= 256 ? 32 : block_threads; }

template <class T>
HEBB_HOST_DEVICE inline double row_max(const Thread& t, int64_t width, const T* x) {
  double largest = -HUGE_VAL;
  for (int64_t i = t.index; i < width; i += t.count) largest = Larger::of(double(x[i]), largest);
  return largest;
}

template <class T>
struct SoftmaxBody {
  static constexpr int phases = 5;
  struct Shared {
    Fold<Larger> largest;
    Fold<Sum> sum;
  };
  using Local = Nothing;
  bool log;
  int64_t width;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const T* from = x + t.block * width;
    if (p == 0) return shared.largest.put(t, row_max(t, width, from));
    if (p == 1) return shared.largest.fold(t);
    if (p == 3) return shared.sum.fold(t);
    const T shift = T(shared.largest.total());
    if (p == 2) {
      double sum = 0;
      for (int64_t i = t.index; i < width; i += t.count) sum += double(std::exp(from[i] - shift));
      return shared.sum.put(t, sum);
    }
    const double sum = shared.sum.total();
    const T scale = T(1 / sum), log_sum = T(std::log(sum));
    T* to = y + t.block * width;
    for (int64_t i = t.index; i < width; i += t.count)
      to[i] = log ? from[i] - shift - log_sum : std::exp(from[i] - shift) * scale;
  }
};

template <class T>
struct SoftmaxBackwardBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  bool log;
  int64_t width;
  const T *dy, *y;
  T* dx;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const T *d = dy + t.block * width, *of = y + t.block * width;
    if (p == 1) return shared.fold(t);
    if (p == 0) {
      double sum = 0;
      for (int64_t i = t.index; i < width; i += t.count)
        sum += log ? double(d[i]) : double(d[i]) * double(of[i]);
      return shared.put(t, sum);
    }
    const T sum = T(shared.total());
    T* to = dx + t.block * width;
    for (int64_t i = t.index; i < width; i += t.count)
      to[i] = log ? d[i] - std::exp(of[i]) * sum : (d[i] - sum) * of[i];
  }
};

/// A row's loss Σ_c t_c (log Σ e^x - x_c) for targets t that are given or come of a label.
template <class T>
struct CrossEntropyBody {
  static constexpr int phases = 5;
  struct Shared {
    Fold<Larger> largest;
    Fold<Sum> sum, mass, score;
  };
  using Local = Nothing;
  int64_t rows, width;
  const T* logits;
  const T* targets;  // or
  const int64_t* labels;
  const T* weights;  // [rows], may be null
  double smoothing;
  double* losses;  // [rows]
  T* grad;         // may be null

  HEBB_HOST_DEVICE double target(int64_t row, int64_t i) const {
    if (targets) return double(targets[row * width + i]);
    // A label out of range is complained about elsewhere.
    const int64_t label = labels[row] >= 0 && labels[row] < width ? labels[row] : 0;
    return (i == label ? 1 - smoothing : 0) + smoothing / double(width);
  }

  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const T* x = logits + t.block * width;
    if (p == 0) return shared.largest.put(t, row_max(t, width, x));
    if (p == 1) return shared.largest.fold(t);
    if (p == 3) {
      shared.sum.fold(t);
      shared.mass.fold(t);
      return shared.score.fold(t);
    }
    const T shift = T(shared.largest.total());
    if (p == 2) {
      double sum = 0, mass = 0, score = 0;
      for (int64_t i = t.index; i < width; i += t.count) {
        const double of = target(t.block, i);
        sum += double(std::exp(x[i] - shift));
        mass += of;
        if (of != 0) score += of * double(x[i] - shift);  // not 0 times infinity
      }
      shared.sum.put(t, sum);
      shared.mass.put(t, mass);
      return shared.score.put(t, score);
    }
    const double sum = shared.sum.total(), mass = shared.mass.total();
    const double weight = weights ? double(weights[t.block]) : 1.0;
    if (t.index == 0) losses[t.block] = weight * (mass * std::log(sum) - shared.score.total());
    if (!grad) return;
    const double slope = weight / double(rows);
    const T scale = T(slope * mass / sum);
    T* to = grad + t.block * width;
    for (int64_t i = t.index; i < width; i += t.count)
      to[i] = std::exp(x[i] - shift) * scale - T(slope * target(t.block, i));
  }
};

}  // namespace

template <class T>
void softmax(Stream stream, bool log, int64_t rows, int64_t width, const T* x, T* y) {
  for_blocks(stream, rows, threads_for(width), SoftmaxBody<T>{log, width, x, y});
}

template <class T>
void softmax_backward(Stream stream, bool log, int64_t rows, int64_t width, const T* dy, const T* y,
                      T* dx) {
  for_blocks(stream, rows, threads_for(width), SoftmaxBackwardBody<T>{log, width, dy, y, dx});
}

template <class T>
void cross_entropy(Stream stream, const CrossEntropy<T>& c) {
  for_blocks(stream, c.rows, threads_for(c.width),
             CrossEntropyBody<T>{c.rows, c.width, c.logits, c.targets, c.labels, c.weights,
                                 c.smoothing, c.losses, c.grad});
  for_blocks(stream, 1, block_threads, TotalBody<T>{c.rows, c.losses, 1 / double(c.rows), c.loss});
}

#define HEBB_INSTANTIATE(T)                                                               \
  template void softmax(Stream, bool, int64_t, int64_t, const T*, T*);                    \
  template void softmax_backward(Stream, bool, int64_t, int64_t, const T*, const T*, T*); \
  template void cross_entropy(Stream, const CrossEntropy<T>&);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
