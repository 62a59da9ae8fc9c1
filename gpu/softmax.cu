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

/// A row's loss Σ_c t_c (log Σ e^x - x_c) for targets t that are given or come of a label. Output
/// says where it goes, and what a row's gradient is divided by.
template <class T, class Output>
struct CrossEntropyBody {
  static constexpr int phases = 5;
  struct Shared {
    Fold<Larger> largest;
    Fold<Sum> sum, mass, score;
  };
  using Local = Nothing;
  CrossEntropy<T> c;
  Output output;

  // Labels out of range are complained about elsewhere.
  HEBB_HOST_DEVICE bool counts(int64_t row) const {
    if (c.targets) return true;
    const int64_t label = c.labels[row];
    return label != c.ignored && label >= 0 && label < c.width;
  }

  HEBB_HOST_DEVICE double target(int64_t row, int64_t i) const {
    if (c.targets) return double(c.targets[row * c.width + i]);
    const double share = (i == c.labels[row] ? 1 - c.smoothing : 0) + c.smoothing / double(c.width);
    return c.class_weights ? share * double(c.class_weights[i]) : share;
  }

  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const T* x = c.logits + t.block * c.width;
    T* to = c.grad ? c.grad + t.block * c.width : nullptr;
    if (!counts(t.block)) {
      if (p != 4) return;
      if (t.index == 0) output.put(t.block, 0, 0);
      if (to)
        for (int64_t i = t.index; i < c.width; i += t.count) to[i] = T(0);
      return;
    }
    if (p == 0) return shared.largest.put(t, row_max(t, c.width, x));
    if (p == 1) return shared.largest.fold(t);
    if (p == 3) {
      shared.sum.fold(t);
      shared.mass.fold(t);
      return shared.score.fold(t);
    }
    const T shift = T(shared.largest.total());
    if (p == 2) {
      double sum = 0, mass = 0, score = 0;
      for (int64_t i = t.index; i < c.width; i += t.count) {
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
    const double weight = c.weights ? double(c.weights[t.block]) : 1.0;
    if (t.index == 0)
      output.put(t.block, weight * (mass * std::log(sum) - shared.score.total()),
                 c.class_weights ? double(c.class_weights[c.labels[t.block]]) : 1.0);
    if (!to) return;
    const double slope = weight / output.divisor;
    const T scale = T(slope * mass / sum);
    for (int64_t i = t.index; i < c.width; i += t.count)
      to[i] = std::exp(x[i] - shift) * scale - T(slope * target(t.block, i));
  }
};

struct LossesToAdd {
  double divisor;
  double* losses;
  HEBB_HOST_DEVICE void put(int64_t row, double loss, double) const { losses[row] = loss; }
};

template <class T>
struct LossesOfRows {
  double divisor;
  T *losses, *label_weights;
  HEBB_HOST_DEVICE void put(int64_t row, double loss, double label_weight) const {
    losses[row] = T(loss);
    label_weights[row] = T(label_weight);
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
void cross_entropy(Stream stream, int64_t replicas, const CrossEntropy<T>& c, double* losses,
                   T* loss) {
  const int64_t rows = c.rows / replicas;
  const LossesToAdd output{double(rows), losses};
  for_blocks(stream, c.rows, threads_for(c.width), CrossEntropyBody<T, LossesToAdd>{c, output});
  for_blocks(stream, replicas, block_threads, TotalBody<T>{rows, losses, 1 / double(rows), loss});
}

template <class T>
void cross_entropy_rows(Stream stream, const CrossEntropy<T>& c, T* losses, T* label_weights) {
  const LossesOfRows<T> output{1, losses, label_weights};
  for_blocks(stream, c.rows, threads_for(c.width), CrossEntropyBody<T, LossesOfRows<T>>{c, output});
}

#define HEBB_INSTANTIATE(T)                                                               \
  template void softmax(Stream, bool, int64_t, int64_t, const T*, T*);                    \
  template void softmax_backward(Stream, bool, int64_t, int64_t, const T*, const T*, T*); \
  template void cross_entropy(Stream, int64_t, const CrossEntropy<T>&, double*, T*);      \
  template void cross_entropy_rows(Stream, const CrossEntropy<T>&, T*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
