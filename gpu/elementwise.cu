#include <cmath>

#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"
#include "gpu/loop_nest.hpp"

namespace hebb::cuda {
namespace {

template <class T>
HEBB_HOST_DEVICE inline T apply(Unary op, T x) {
  switch (op) {
    case Unary::neg:
      return -x;
    case Unary::exp:
      return std::exp(x);
    case Unary::log:
      return std::log(x);
    case Unary::sqrt:
      return std::sqrt(x);
    case Unary::tanh:
      return std::tanh(x);
    case Unary::abs:
      return std::fabs(x);
    case Unary::relu:
      return x < T(0) ? T(0) : x;  // NaN stays NaN
    case Unary::sigmoid:
      return T(1) / (T(1) + std::exp(-x));
    case Unary::square:
      return x * x;
  }
  return x;
}

/// `saved` as in Backend::unary_backward.
template <class T>
HEBB_HOST_DEVICE inline T gradient(Unary op, T d, T saved) {
  switch (op) {
    case Unary::neg:
      return -d;
    case Unary::exp:
      return d * saved;
    case Unary::log:
      return d / saved;
    case Unary::sqrt:
      return d / (saved + saved);
    case Unary::tanh:
      return d * (T(1) - saved * saved);
    case Unary::abs:
      return d * sign(saved);
    case Unary::relu:
      return saved <= T(0) ? T(0) : d;
    case Unary::sigmoid:
      return d * saved * (T(1) - saved);
    case Unary::square:
      return d * (saved + saved);
  }
  return d;
}

template <class T>
HEBB_HOST_DEVICE inline T apply(Binary op, T a, T b) {
  switch (op) {
    case Binary::add:
      return a + b;
    case Binary::sub:
      return a - b;
    case Binary::mul:
      return a * b;
    case Binary::div:
      return a / b;
    case Binary::pow:
      return std::pow(a, b);
    case Binary::maximum:
      return a != a || a > b ? a : b;
    case Binary::minimum:
      return a != a || a < b ? a : b;
    case Binary::less:
      return T(a < b);
    case Binary::less_equal:
      return T(a <= b);
    case Binary::equal:
      return T(a == b);
    case Binary::keep:
      return b != 0 ? a : T(0);
  }
  return a;
}

template <class T>
struct UnaryBody {
  Unary op;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const { y[i] = convert<T>(apply(op, wide(x[i]))); }
};

template <class T>
struct UnaryBackwardBody {
  Unary op;
  const T *dy, *saved;
  T* dx;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    dx[i] = convert<T>(gradient(op, wide(dy[i]), saved ? wide(saved[i]) : wide_t<T>(0)));
  }
};

template <class T>
struct BinaryBody {
  Binary op;
  BroadcastLoop loop;
  const T *a, *b;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    const Places at = places(loop, i);
    y[i] = convert<T>(apply(op, wide(a[at.a]), wide(b[at.b])));
  }
};

template <class T>
struct AffineBody {
  wide_t<T> scale, shift;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    y[i] = convert<T>(wide(x[i]) * scale + shift);
  }
};

template <class T>
struct AddScaledBody {
  wide_t<T> scale;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    y[i] = convert<T>(wide(y[i]) + scale * wide(x[i]));
  }
};

template <class T>
struct ScaleByBody {
  int64_t part;
  const float* narrow;  // one of the two is the scalars
  const double* wide;
  const T* x;
  T* y;
  HEBB_HOST_DEVICE void operator()(int64_t i) const {
    y[i] = x[i] * (narrow ? T(narrow[i / part]) : T(wide[i / part]));
  }
};

}  // namespace

template <Activation T>
void unary(Stream stream, Unary op, int64_t n, const T* x, T* y) {
  for_each(stream, n, UnaryBody<T>{op, x, y});
}

template <Activation T>
void unary_backward(Stream stream, Unary op, int64_t n, const T* dy, const T* saved, T* dx) {
  for_each(stream, n, UnaryBackwardBody<T>{op, dy, op == Unary::neg ? nullptr : saved, dx});
}

template <Activation T>
void binary(Stream stream, Binary op, const BroadcastLoop& loop, const T* a, const T* b, T* y) {
  for_each(stream, loop.rows * loop.axes[0].extent, BinaryBody<T>{op, loop, a, b, y});
}

template <Activation T>
void affine(Stream stream, int64_t n, double scale, double shift, const T* x, T* y) {
  for_each(stream, n, AffineBody<T>{wide_t<T>(scale), wide_t<T>(shift), x, y});
}

template <Activation T>
void add_scaled(Stream stream, int64_t n, double scale, const T* x, T* y) {
  for_each(stream, n, AddScaledBody<T>{wide_t<T>(scale), x, y});
}

template <class T>
void scale_by(Stream stream, int64_t n, int64_t part, const float* narrow, const double* wide,
              const T* x, T* y) {
  for_each(stream, n, ScaleByBody<T>{part, narrow, wide, x, y});
}

#define HEBB_INSTANTIATE(T)                                                           \
  template void unary(Stream, Unary, int64_t, const T*, T*);                          \
  template void unary_backward(Stream, Unary, int64_t, const T*, const T*, T*);       \
  template void binary(Stream, Binary, const BroadcastLoop&, const T*, const T*, T*); \
  template void affine(Stream, int64_t, double, double, const T*, T*);                \
  template void add_scaled(Stream, int64_t, double, const T*, T*);
HEBB_INSTANTIATE(float)
HEBB_INSTANTIATE(double)
HEBB_INSTANTIATE(BFloat16)

#define HEBB_INSTANTIATE_SCALE_BY(T) \
  template void scale_by(Stream, int64_t, int64_t, const float*, const double*, const T*, T*);
HEBB_INSTANTIATE_SCALE_BY(float)
HEBB_INSTANTIATE_SCALE_BY(double)

}  // namespace hebb::cuda
