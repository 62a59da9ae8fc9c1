#pragma once

#include <cmath>
#include <cstdint>

#include "core/random.hpp"

/// How random words become numbers, the same on every device.
namespace hebb {

/// A word as a number in (0, 1).
HEBB_HOST_DEVICE inline double to_open_unit(uint32_t word) {
  return (double(word) + 0.5) * (1.0 / 4294967296.0);
}

/// A block's first 64 bits, of which 53 make a number in [0, 1).
HEBB_HOST_DEVICE inline double to_unit_double(const Philox::Block& block) {
  const uint64_t bits = uint64_t(block[0]) << 32 | block[1];
  return double(bits >> 11) * 0x1.0p-53;
}

/// A number in [0, bound) from a block; false where, to be without bias, it takes another block.
HEBB_HOST_DEVICE inline bool bounded_number(const Philox::Block& block, int64_t bound,
                                            int64_t& number) {
  __extension__ using Wide = unsigned __int128;
  const auto range = uint64_t(bound);
  const uint64_t bits = uint64_t(block[0]) << 32 | block[1];
  const Wide product = Wide(bits) * range;
  number = int64_t(product >> 64);
  return uint64_t(product) >= -range % range;
}

/// Uniform in [lower, upper).
HEBB_HOST_DEVICE inline double uniform_number(uint32_t word, double lower, double upper) {
  return lower + (upper - lower) * double(to_unit_float(word));
}

struct NormalPair {
  double first, second;
};

/// Two independent standard normal numbers (Box and Muller 1958).
HEBB_HOST_DEVICE inline NormalPair normal_pair(uint32_t radius_word, uint32_t angle_word) {
  const double radius = std::sqrt(-2.0 * std::log(to_open_unit(radius_word)));
  const double angle = 6.283185307179586 * (1.0 / 4294967296.0) * double(angle_word);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

namespace detail {
/// c[0] + c[1] x + ... + c[7] x^7
HEBB_HOST_DEVICE inline double polynomial7(double x, const double (&c)[8]) {
  double y = c[7];
  for (int i = 6; i >= 0; --i) y = y * x + c[i];
  return y;
}
}  // namespace detail

/// The standard normal number below which a share p of (0, 1) lies (Wichura 1988, AS 241,
/// PPND16: a relative error of about 1e-16).
HEBB_HOST_DEVICE inline double inverse_normal(double p) {
  constexpr double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                           1.9715909503065514427e+3, 1.3731693765509461125e+4,
                           4.5921953931549871457e+4, 6.7265770927008700853e+4,
                           3.3430575583588128105e+4, 2.5090809287301226727e+3};
  constexpr double b[8] = {1.0,
                           4.2313330701600911252e+1,
                           6.8718700749205790830e+2,
                           5.3941960214247511077e+3,
                           2.1213794301586595867e+4,
                           3.9307895800092710610e+4,
                           2.8729085735721942674e+4,
                           5.2264952788528545610e+3};
  constexpr double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                           5.76949722146069140550e0,  3.64784832476320460504e0,
                           1.27045825245236838258e0,  2.41780725177450611770e-1,
                           2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[8] = {1.0,
                           2.05319162663775882187e0,
                           1.67638483018380384940e0,
                           6.89767334985100004550e-1,
                           1.48103976427480074590e-1,
                           1.51986665636164571966e-2,
                           5.47593808499534494600e-4,
                           1.05075007164441684324e-9};
  constexpr double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                           1.78482653991729133580e0,  2.96560571828504891230e-1,
                           2.65321895265761230930e-2, 1.24266094738807843860e-3,
                           2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[8] = {1.0,
                           5.99832206555887937690e-1,
                           1.36929880922735805310e-1,
                           1.48753612908506148525e-2,
                           7.86869131145613259100e-4,
                           1.84631831751005468180e-5,
                           1.42151175831644588870e-7,
                           2.04426310338993978564e-15};
  using detail::polynomial7;
  const double q = p - 0.5;
  if (std::fabs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial7(r, a) / polynomial7(r, b);
  }
  const double r = std::sqrt(-std::log(q < 0 ? p : 1 - p));
  const double z = r <= 5 ? polynomial7(r - 1.6, c) / polynomial7(r - 1.6, d)
                          : polynomial7(r - 5, e) / polynomial7(r - 5, f);
  return q < 0 ? -z : z;
}

/// A standard normal number cut at ±limit; `tail` is normal_tail(limit).
HEBB_HOST_DEVICE inline double truncated_normal_number(uint32_t word, double limit, double tail) {
  const double z = inverse_normal(tail + (1 - 2 * tail) * to_open_unit(word));
  return std::fmin(std::fmax(z, -limit), limit);
}

/// The share of the standard normal distribution below -limit.
HEBB_HOST_DEVICE inline double normal_tail(double limit) {
  return 0.5 * std::erfc(limit * 0.7071067811865476);
}

}  // namespace hebb
