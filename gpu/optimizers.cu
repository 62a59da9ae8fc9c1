#include <cmath>

#include "gpu/fold.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

/// Optimiser updates with the formulas of core/cpu/kernels/optimizers.cpp.
namespace hebb::cuda {
namespace {

template <class T>
struct SgdBody {
  T lr, momentum, decay, taken;
  bool buffered, first, nesterov;
  const T* grad;
  T *parameter, *buffer;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const T p = parameter[i];
    T g = grad[i] + decay * p;
    if (buffered) {
      const T velocity = first ? g : momentum * buffer[i] + taken * g;
      buffer[i] = velocity;
      g = nesterov ? g + momentum * velocity : velocity;
    }
    parameter[i] = p - lr * g;
  }
};

/// Adam and NAdam: param -= (of_grad g + of_mean m) / (√v scale + epsilon), where of_grad is 0 for
/// Adam.
template <class T>
struct MomentsBody {
  T keep1, take1, keep2, take2, scale, epsilon, decay, shrink, of_grad, of_mean;
  const T* grad;
  T *parameter, *m, *v;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const T p = parameter[i] * shrink;
    const T g = grad[i] + decay * p;
    const T mean = keep1 * m[i] + take1 * g;
    const T square = keep2 * v[i] + take2 * (g * g);
    m[i] = mean;
    v[i] = square;
    parameter[i] = p - (of_grad * g + of_mean * mean) / (std::sqrt(square) * scale + epsilon);
  }
};

template <class T>
MomentsBody<T> moments(const AdamStep& s, double of_grad, double of_mean, const T* grad,
                       T* parameter, T* m, T* v) {
  return {.keep1 = T(s.beta1),
          .take1 = T(1 - s.beta1),
          .keep2 = T(s.beta2),
          .take2 = T(1 - s.beta2),
          .scale = T(1 / std::sqrt(s.bias_correction2)),
          .epsilon = T(s.epsilon),
          .decay = T(s.decoupled ? 0.0 : s.weight_decay),
          .shrink = T(s.decoupled ? 1.0 - s.lr * s.weight_decay : 1.0),
          .of_grad = T(of_grad),
          .of_mean = T(of_mean),
          .grad = grad,
          .parameter = parameter,
          .m = m,
          .v = v};
}

/// The tensor that a piece belongs to.
template <class T>
HEBB_HOST_DEVICE inline int tensor_of(const TensorList<T>& tensors, int64_t piece) {
  int low = 0, high = tensors.count - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (tensors.first_piece[middle] <= piece)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

template <class T>
struct SumSquaresBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  TensorList<T> tensors;
  double* sums;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      const int k = tensor_of(tensors, t.block);
      const int64_t begin = (t.block - tensors.first_piece[k]) * tensors.piece;
      const int64_t left = tensors.size[k] - begin;
      const int64_t n = left < tensors.piece ? left : tensors.piece;
      const T* x = tensors.data[k] + begin;
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count) sum += double(x[i]) * double(x[i]);
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      sums[t.block] = shared.total();
    }
  }
};

struct ClipScaleBody {
  static constexpr int phases = 3;
  using Shared = Fold<Sum>;
  using Local = Nothing;
  int64_t n;
  const double* sums;
  double limit;
  double *norm, *scale;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    if (p == 0) {
      double sum = 0;
      for (int64_t i = t.index; i < n; i += t.count) sum += sums[i];
      shared.put(t, sum);
    } else if (p == 1) {
      shared.fold(t);
    } else if (t.index == 0) {
      *norm = std::sqrt(shared.total());
      const double clip = limit / (*norm + 1e-6);
      *scale = clip >= 1 ? 1 : clip;  // NaN stays NaN
    }
  }
};

template <class T>
struct ScaleAllBody {
  static constexpr int phases = 1;
  using Shared = Nothing;
  using Local = Nothing;
  TensorList<T> tensors;
  const double* scale;
  HEBB_HOST_DEVICE void phase(int, const Thread& t, Shared&, Local&) const {
    if (*scale == 1) return;
    const T factor = T(*scale);
    const int k = tensor_of(tensors, t.block);
    const int64_t begin = (t.block - tensors.first_piece[k]) * tensors.piece;
    const int64_t left = tensors.size[k] - begin;
    const int64_t n = left < tensors.piece ? left : tensors.piece;
    T* x = tensors.data[k] + begin;
    for (int64_t i = t.index; i < n; i += t.count) x[i] *= factor;
  }
};

}  // namespace

template <class T>
void sgd(Stream stream, int64_t n, const SgdStep& s, const T* grad, T* parameter, T* momentum) {
  for_each(stream, n,
           SgdBody<T>{T(s.lr), T(s.momentum), T(s.weight_decay), T(1 - s.dampening),
                      s.momentum != 0, s.first, s.nesterov, grad, parameter, momentum});
}

template <class T>
void adam(Stream stream, int64_t n, const AdamStep& s, const T* grad, T* parameter, T* m, T* v) {
  for_each(stream, n, moments(s, 0, s.lr / s.bias_correction1, grad, parameter, m, v));
}

template <class T>
void nadam(Stream stream, int64_t n, const NadamStep& s, const T* grad, T* parameter, T* m, T* v) {
  for_each(stream, n,
           moments(s.adam, s.adam.lr * (1 - s.mu) / (1 - s.mu_product),
                   s.adam.lr * s.mu_next / (1 - s.mu_product * s.mu_next), grad, parameter, m, v));
}

template <class T>
void sum_squares(Stream stream, const TensorList<T>& tensors, double* sums) {
  for_blocks(stream, tensors.pieces(), block_threads, SumSquaresBody<T>{tensors, sums});
}

void clip_scale(Stream stream, int64_t n, const double* sums, double limit, double* norm,
                double* scale) {
  for_blocks(stream, 1, block_threads, ClipScaleBody{n, sums, limit, norm, scale});
}

template <class T>
void scale_all(Stream stream, const TensorList<T>& tensors, const double* scale) {
  for_blocks(stream, tensors.pieces(), block_threads, ScaleAllBody<T>{tensors, scale});
}

#define HEBB_INSTANTIATE(T)                                                     \
  template void sgd(Stream, int64_t, const SgdStep&, const T*, T*, T*);         \
  template void adam(Stream, int64_t, const AdamStep&, const T*, T*, T*, T*);   \
  template void nadam(Stream, int64_t, const NadamStep&, const T*, T*, T*, T*); \
  template void sum_squares(Stream, const TensorList<T>&, double*);             \
  template void scale_all(Stream, const TensorList<T>&, const double*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)

}  // namespace hebb::cuda
