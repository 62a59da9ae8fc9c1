#pragma once

#include <cstdint>
#include <limits>

#include "core/cpu/simd/vector.hpp"

/// Functions of the elements of a vector.
namespace hebb::cpu::HEBB_ISA {

/// Negative numbers become zero, NaN stays NaN.
template <class T>
inline Vec<T> relu(Vec<T> a) {
  return max(Vec<T>(T(0)), a);
}

/// -1, 0 or 1; 0 for NaN.
template <class T>
inline Vec<T> sign(Vec<T> a) {
  const Vec<T> one = T(1), zero = T(0);
  return select(a > zero, one, select(a < zero, -one, zero));
}

/// Subnormal numbers as the zeros that they count as. For libm, which looks at their bits and then
/// computes with zeros.
template <class T>
inline Vec<T> flushed(Vec<T> a) {
  return select(abs(a) < Vec<T>(std::numeric_limits<T>::min()), copy_sign(Vec<T>(T(0)), a), a);
}

namespace detail {

inline Vec<float>::Mask to_integers(Vec<float> a) {
  return __builtin_convertvector(a.v, Vec<float>::Mask);
}
inline Vec<float> to_floats(Vec<float>::Mask a) {
  return Vec<float>(__builtin_convertvector(a, Vec<float>::Raw));
}
/// 2^n for n in [-126, 127].
inline Vec<float> power_of_two(Vec<float>::Mask n) {
  return Vec<float>::from_bits((n + 127) << 23);
}

}  // namespace detail

/// e^x: x = n ln 2 + r with |r| <= ln 2 / 2, and a polynomial for e^r.
inline Vec<float> exp(Vec<float> x) {
  using V = Vec<float>;
  // In steps, so that results near both ends of the range neither overflow nor vanish early.
  const V clamped = min(V(89.0f), max(V(-104.0f), x));
  const V rounder = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  const V n = (clamped * V(1.44269504f) + rounder) - rounder;
  const V r = (clamped - n * V(0.693359375f)) + n * V(2.12194440e-4f);
  V p = 1.9875691500e-4f;
  p = p * r + V(1.3981999507e-3f);
  p = p * r + V(8.3334519073e-3f);
  p = p * r + V(4.1665795894e-2f);
  p = p * r + V(1.6666665459e-1f);
  p = p * r + V(5.0000001201e-1f);
  p = (p * (r * r) + r) + V(1.0f);
  const V::Mask exponent = detail::to_integers(n);
  const V::Mask half = exponent >> 1;
  const V y = p * detail::power_of_two(half) * detail::power_of_two(exponent - half);
  return select(x == x, y, x);
}

/// The natural logarithm: x = 2^n m with m in [sqrt(1/2), sqrt(2)), and a polynomial for log m.
inline Vec<float> log(Vec<float> x) {
  using V = Vec<float>;
  const V::Mask subnormal = x < V(1.17549435e-38f);
  const V scaled = select(subnormal, x * V(8388608.0f), x);
  // 0x3f3504f3 is sqrt(1/2), where one power of two ends and the next begins.
  typedef uint32_t Unsigned __attribute__((vector_size(vector_bytes)));
  const Unsigned bits = reinterpret_cast<Unsigned>(scaled.bits()) - 0x3f3504f3u;
  const V::Mask exponent = (reinterpret_cast<V::Mask>(bits) >> 23) - (subnormal & 23);
  const V m = V::from_bits(reinterpret_cast<V::Mask>((bits & 0x7fffffu) + 0x3f3504f3u));
  const V n = detail::to_floats(exponent);
  const V f = m - V(1.0f);
  const V z = f * f;
  V p = 7.0376836292e-2f;
  p = p * f + V(-1.1514610310e-1f);
  p = p * f + V(1.1676998740e-1f);
  p = p * f + V(-1.2420140846e-1f);
  p = p * f + V(1.4249322787e-1f);
  p = p * f + V(-1.6668057665e-1f);
  p = p * f + V(2.0000714765e-1f);
  p = p * f + V(-2.4999993993e-1f);
  p = p * f + V(3.3333331174e-1f);
  V y = f * z * p + n * V(-2.12194440e-4f);
  y = y - V(0.5f) * z;
  y = f + y + n * V(0.693359375f);
  const float infinity = std::numeric_limits<float>::infinity();
  y = select(x < V(infinity), y, x);  // +inf and NaN stay themselves
  y = select(x == V(0.0f), V(-infinity), y);
  return select(x < V(0.0f), V(std::numeric_limits<float>::quiet_NaN()), y);
}

/// tanh x for |x| < 0.625: an odd polynomial.
inline Vec<float> tanh_near_zero(Vec<float> x) {
  using V = Vec<float>;
  const V z = x * x;
  V p = -5.70498872745e-3f;
  p = p * z + V(2.06390887954e-2f);
  p = p * z + V(-5.37397155531e-2f);
  p = p * z + V(1.33314422036e-1f);
  p = p * z + V(-3.33332819422e-1f);
  return p * z * x + x;
}

/// Odd: 1 - 2 / (e^2|x| + 1) where x is not near zero.
inline Vec<float> tanh(Vec<float> x) {
  using V = Vec<float>;
  const V a = abs(x);
  const V far = V(1.0f) - V(2.0f) / (exp(a + a) + V(1.0f));
  return copy_sign(select(a < V(0.625f), tanh_near_zero(x), far), x);
}

/// 1 / (1 + e^-x).
template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
  return Vec<T>(T(1)) / (Vec<T>(T(1)) + exp(-x));
}

inline Vec<double> exp(Vec<double> x) {
  for (int64_t i = 0; i < x.lanes; ++i) x.v[i] = __builtin_exp(x.v[i]);
  return x;
}
inline Vec<double> log(Vec<double> x) {
  x = flushed(x);
  for (int64_t i = 0; i < x.lanes; ++i) x.v[i] = __builtin_log(x.v[i]);
  return x;
}
inline Vec<double> tanh(Vec<double> x) {
  for (int64_t i = 0; i < x.lanes; ++i) x.v[i] = __builtin_tanh(x.v[i]);
  return x;
}

inline Vec<float> pow(Vec<float> x, Vec<float> y) {
  x = flushed(x), y = flushed(y);
  for (int64_t i = 0; i < x.lanes; ++i) x.v[i] = __builtin_powf(x.v[i], y.v[i]);
  return x;
}
inline Vec<double> pow(Vec<double> x, Vec<double> y) {
  x = flushed(x), y = flushed(y);
  for (int64_t i = 0; i < x.lanes; ++i) x.v[i] = __builtin_pow(x.v[i], y.v[i]);
  return x;
}

}  // namespace hebb::cpu::HEBB_ISA
