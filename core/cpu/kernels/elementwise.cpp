#include "core/cpu/kernels/broadcast.hpp"
#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/loops.hpp"
#include "core/cpu/simd/math.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

template <class T>
void unary(Unary op, int64_t n, const T* x, T* y) {
  using V = Vec<T>;
  const auto apply = [&](auto f) { parallel_map(n, y, f, x); };
  switch (op) {
    case Unary::neg:
      return apply([](V a) { return -a; });
    case Unary::exp:
      return apply([](V a) { return exp(a); });
    case Unary::log:
      return apply([](V a) { return log(a); });
    case Unary::sqrt:
      return apply([](V a) { return sqrt(a); });
    case Unary::tanh:
      return apply([](V a) { return tanh(a); });
    case Unary::abs:
      return apply([](V a) { return abs(a); });
    case Unary::relu:
      return apply([](V a) { return relu(a); });
    case Unary::sigmoid:
      return apply([](V a) { return sigmoid(a); });
    case Unary::square:
      return apply([](V a) { return a * a; });
  }
}

template <class T>
void unary_backward(Unary op, int64_t n, const T* dy, const T* saved, T* dx) {
  using V = Vec<T>;
  const auto apply = [&](auto f) { parallel_map(n, dx, f, dy, saved); };
  switch (op) {
    case Unary::neg:
      return parallel_map(
          n, dx, [](V d) { return -d; }, dy);
    case Unary::exp:
      return apply([](V d, V y) { return d * y; });
    case Unary::log:
      return apply([](V d, V x) { return d / x; });
    case Unary::sqrt:
      return apply([](V d, V y) { return d / (y + y); });
    case Unary::tanh:
      return apply([](V d, V y) { return d * (V(T(1)) - y * y); });
    case Unary::abs:
      return apply([](V d, V x) { return d * sign(x); });
    case Unary::relu:
      return apply([](V d, V y) { return select(y <= V(T(0)), V(T(0)), d); });
    case Unary::sigmoid:
      return apply([](V d, V y) { return d * y * (V(T(1)) - y); });
    case Unary::square:
      return apply([](V d, V x) { return d * (x + x); });
  }
}

template <class T>
Vec<T> indicator(typename Vec<T>::Mask holds) {
  return select(holds, Vec<T>(T(1)), Vec<T>(T(0)));
}

template <class T>
void binary(Binary op, const BroadcastLoop& loop, const T* a, const T* b, T* y) {
  using V = Vec<T>;
  const auto apply = [&](auto f) { broadcast_map(loop, y, f, a, b); };
  switch (op) {
    case Binary::add:
      return apply([](V u, V v) { return u + v; });
    case Binary::sub:
      return apply([](V u, V v) { return u - v; });
    case Binary::mul:
      return apply([](V u, V v) { return u * v; });
    case Binary::div:
      return apply([](V u, V v) { return u / v; });
    case Binary::pow:
      return apply([](V u, V v) { return pow(u, v); });
    case Binary::maximum:  // the inner choice gives v where v is NaN
      return apply([](V u, V v) { return select(u != u, u, max(u, v)); });
    case Binary::minimum:
      return apply([](V u, V v) { return select(u != u, u, min(u, v)); });
    case Binary::less:
      return apply([](V u, V v) { return indicator<T>(u < v); });
    case Binary::less_equal:
      return apply([](V u, V v) { return indicator<T>(u <= v); });
    case Binary::equal:
      return apply([](V u, V v) { return indicator<T>(u == v); });
    case Binary::keep:
      return apply([](V u, V v) { return select(v != V(T(0)), u, V(T(0))); });
  }
}

template <class T>
void affine(int64_t n, double scale, double shift, const T* x, T* y) {
  using V = Vec<T>;
  const V s = T(scale), t = T(shift);
  parallel_map(
      n, y, [=](V a) { return a * s + t; }, x);
}

template <class T>
void add_scaled(int64_t n, double scale, const T* x, T* y) {
  using V = Vec<T>;
  const V s = T(scale);
  parallel_map(
      n, y, [=](V a, V b) { return a + s * b; }, y, x);
}

}  // namespace

template <class T>
ElementwiseKernels<T> elementwise_kernels() {
  return {.unary = unary<T>,
          .unary_backward = unary_backward<T>,
          .binary = binary<T>,
          .affine = affine<T>,
          .add_scaled = add_scaled<T>};
}

template ElementwiseKernels<float> elementwise_kernels();
#if HEBB_FLOAT64
template ElementwiseKernels<double> elementwise_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
