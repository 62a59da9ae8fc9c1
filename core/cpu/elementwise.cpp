#include <cmath>

#include "core/cpu/broadcast.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/random_words.hpp"

namespace hebb::cpu::HEBB_ISA {

Tensor CpuBackend::unary(Unary op, const Tensor& x) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const auto apply = [&](auto f) { parallel_map(x.numel(), data_of<T>(y), f, data_of<T>(x)); };
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
  });
  return y;
}

Tensor CpuBackend::unary_backward(Unary op, const Tensor& dy, const Tensor& saved) {
  const Tensor dx = Tensor::empty(dy.shape(), dy.options());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const auto apply = [&](auto f) {
      parallel_map(dy.numel(), data_of<T>(dx), f, data_of<T>(dy), data_of<T>(saved));
    };
    switch (op) {
      case Unary::neg:
        return parallel_map(
            dy.numel(), data_of<T>(dx), [](V d) { return -d; }, data_of<T>(dy));
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
  });
  return dx;
}

Tensor CpuBackend::binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) {
  const Tensor y = Tensor::empty(shape, a.options());
  dispatch_floating(a.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const auto apply = [&](auto f) {
      broadcast_map(shape, data_of<T>(y), f, data_of<T>(a), a.shape(), data_of<T>(b), b.shape());
    };
    switch (op) {
      case Binary::add:
        return apply([](V u, V v) { return u + v; });
      case Binary::sub:
        return apply([](V u, V v) { return u - v; });
      case Binary::mul:
        return apply([](V u, V v) { return u * v; });
      case Binary::div:
        return apply([](V u, V v) { return u / v; });
    }
  });
  return y;
}

Tensor CpuBackend::affine(const Tensor& x, double scale, double shift) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const V s = T(scale), t = T(shift);
    parallel_map(
        x.numel(), data_of<T>(y), [=](V a) { return a * s + t; }, data_of<T>(x));
  });
  return y;
}

void CpuBackend::add_scaled(const Tensor& y, const Tensor& x, double scale) {
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    const V s = T(scale);
    parallel_map(
        x.numel(), data_of<T>(y), [=](V a, V b) { return a + s * b; }, data_of<T>(y),
        data_of<T>(x));
  });
}

Tensor CpuBackend::scale_by(const Tensor& x, const Tensor& scalar) {
  const double scale = dispatch_floating(
      scalar.dtype(), [&]<class T>() { return static_cast<double>(*data_of<T>(scalar)); });
  return scale == 1 ? x : affine(x, scale, 0);
}

Tensor CpuBackend::dropout(const Tensor& x, double p, RandomKey key) {
  const Tensor y = Tensor::empty(x.shape(), x.options());
  // u >= p for u = (word >> 8) / 2^24, in whole numbers.
  const uint32_t threshold = uint32_t(std::ceil(p * 16777216.0));
  dispatch_floating(x.dtype(), [&]<class T>() {
    using V = Vec<T>;
    for_random_words(x.numel(), key, [&](int64_t first, int64_t n, const uint32_t* words) {
      T kept[random_buffer];
      for (int64_t i = 0; i < n; ++i) kept[i] = T(words[i] >> 8 >= threshold);
      const V scale = T(1 / (1 - p));
      map(
          n, data_of<T>(y) + first, [=](V a, V k) { return a * (k * scale); },
          data_of<T>(x) + first, kept);
    });
  });
  return y;
}

}  // namespace hebb::cpu::HEBB_ISA
