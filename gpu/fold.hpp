#pragma once

#include "gpu/launch.hpp"

namespace hebb::cuda {

struct Sum {
  HEBB_HOST_DEVICE static double of(double a, double b) { return a + b; }
};
/// NaN wins.
struct Larger {
  HEBB_HOST_DEVICE static double of(double a, double b) { return a > b || a != a ? a : b; }
};
struct Smaller {
  HEBB_HOST_DEVICE static double of(double a, double b) { return a < b ? a : b; }
};

/// One number of each thread of a block made one of all, in an order that is always the same:
/// `put` in one phase, `fold` in the next, and `total` in any after that.
template <class Op>
struct Fold {
  static constexpr int width = 16;
  double of_thread[block_threads], of_group[width];

  HEBB_HOST_DEVICE void put(const Thread& thread, double x) { of_thread[thread.index] = x; }
  HEBB_HOST_DEVICE void fold(const Thread& thread) {
    if (thread.index >= width) return;
    double x = of_thread[thread.index];
    for (int i = thread.index + width; i < thread.count; i += width) x = Op::of(x, of_thread[i]);
    of_group[thread.index] = x;
  }
  HEBB_HOST_DEVICE double total() const {
    double x = of_group[0];
    for (int i = 1; i < width; ++i) x = Op::of(x, of_group[i]);
    return x;
  }
};

/// y[row] = scale Σ x[row, n], a block for each row.
template <class T>
struct TotalBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  int64_t n;
  const double* x;
  double scale;
  T* y;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count) sum += x[t.block * n + i];
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      y[t.block] = T(scale * shared.total());
    }
  }
};

}  // namespace hebb::cuda
