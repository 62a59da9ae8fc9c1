#pragma once

#include "core/api.hpp"
#include "core/tensor.hpp"

/// Elementwise operations. Two operands broadcast against each other as in NumPy (extents are
/// aligned at the end, 1 stretches): ShapeError when they do not fit, DTypeError when their
/// element types differ or are not floating point, DeviceError when they live on two devices.
/// On the CPU subnormal numbers count as zeros, as operands and as results: their logarithm is
/// -inf, and one divided by another is NaN.
namespace HEBB_API hebb {

Tensor add(const Tensor& a, const Tensor& b);
Tensor subtract(const Tensor& a, const Tensor& b);
Tensor multiply(const Tensor& a, const Tensor& b);
Tensor divide(const Tensor& a, const Tensor& b);

inline Tensor operator+(const Tensor& a, const Tensor& b) { return add(a, b); }
inline Tensor operator-(const Tensor& a, const Tensor& b) { return subtract(a, b); }
inline Tensor operator*(const Tensor& a, const Tensor& b) { return multiply(a, b); }
inline Tensor operator/(const Tensor& a, const Tensor& b) { return divide(a, b); }

/// scale x + shift.
Tensor affine(const Tensor& x, double scale, double shift);
inline Tensor operator+(const Tensor& x, double c) { return affine(x, 1, c); }
inline Tensor operator+(double c, const Tensor& x) { return affine(x, 1, c); }
inline Tensor operator-(const Tensor& x, double c) { return affine(x, 1, -c); }
inline Tensor operator-(double c, const Tensor& x) { return affine(x, -1, c); }
inline Tensor operator*(const Tensor& x, double c) { return affine(x, c, 0); }
inline Tensor operator*(double c, const Tensor& x) { return affine(x, c, 0); }
inline Tensor operator/(const Tensor& x, double c) { return affine(x, 1 / c, 0); }

Tensor negate(const Tensor& x);
inline Tensor operator-(const Tensor& x) { return negate(x); }
Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
Tensor tanh(const Tensor& x);
Tensor abs(const Tensor& x);   ///< Its derivative at 0 is 0.
Tensor relu(const Tensor& x);  ///< max(x, 0); its derivative at 0 is 0.
Tensor sigmoid(const Tensor& x);
Tensor square(const Tensor& x);

/// x to the power of a number or, by elements, of another tensor. Negative numbers have powers of
/// whole exponents alone, else NaN; 0 to the power of 0 is 1. Exponents of 0 send no gradient to x,
/// nor do zeros to an exponent from 0 on.
Tensor pow(const Tensor& x, double exponent);
Tensor pow(const Tensor& x, const Tensor& exponent);

}  // namespace hebb
