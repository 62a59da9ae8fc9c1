#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "core/options.hpp"
#include "core/random.hpp"
#include "layers/context.hpp"
#include "tests/catch.hpp"

namespace hebb::test {

using Values = std::vector<double>;

struct Penalty {
  double value = 0;
  Values dh, dweight;
};

/// Eq. 1, 3, 5 and 7 as they stand, in float64: a loop over samples and pairs of neurons, with the
/// derivatives of each term by hand. h [S, N], weight [M, N].
inline Penalty literal_bean(int64_t S, int64_t N, int64_t M, const Values& h, const Values& weight,
                            const BeanKernel& kernel) {
  Penalty p{0, Values(h.size()), Values(weight.size())};
  Values f(weight.size()), df(weight.size());
  for (size_t i = 0; i < f.size(); ++i) f[i] = std::abs(std::tanh(kernel.gamma * weight[i]));
  const double factor = kernel.scale / (double(S) * double(N) * double(N));
  for (int64_t s = 0; s < S; ++s)
    for (int64_t i = 0; i < N; ++i)
      for (int64_t j = 0; j < N; ++j) {
        double k = 0;
        for (int64_t m = 0; m < M; ++m) k += f[m * N + i] * f[m * N + j];
        const double a = kernel.order == 1 ? k : k * k, da = kernel.order == 1 ? 1 : 2 * k;
        const double e = h[s * N + i] - h[s * N + j];
        const bool squared = kernel.divergence == Divergence::squared;
        const double d = squared ? e * e : std::abs(e);
        const double slope = squared ? 2 * e : double(e > 0) - double(e < 0);
        p.value += factor * a * d;
        p.dh[s * N + i] += factor * a * slope;
        p.dh[s * N + j] -= factor * a * slope;
        for (int64_t m = 0; m < M; ++m) {
          df[m * N + i] += factor * d * da * f[m * N + j];
          df[m * N + j] += factor * d * da * f[m * N + i];
        }
      }
  for (size_t i = 0; i < f.size(); ++i) {
    const double sign = double(weight[i] > 0) - double(weight[i] < 0);
    p.dweight[i] = df[i] * kernel.gamma * sign * (1 - f[i] * f[i]);
  }
  return p;
}

/// Normal numbers as float64, the same for the same stream.
inline Values normal_values(int64_t count, uint64_t stream, double scale = 1) {
  Generator generator(stream);
  Values values(static_cast<size_t>(count));
  for (double& x : values) x = scale * generator.normal();
  return values;
}

/// Normal numbers, of which the negative are 0, as after a ReLU.
inline Values rectified_values(int64_t count, uint64_t stream) {
  Values values = normal_values(count, stream);
  for (double& x : values) x = std::max(x, 0.0);
  return values;
}

/// The largest difference, as a share of the largest expected element.
inline double relative_error(const Values& expected, const Values& got) {
  REQUIRE(expected.size() == got.size());
  double largest = 0, error = 0;
  for (size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(expected[i]));
    const double difference = std::abs(expected[i] - got[i]);
    error = difference <= error ? error : difference;  // NaN counts
  }
  return largest > 0 ? error / largest : error;
}

/// Taps with the names, inputs and weights of a network's dense layers; names live as long as this.
struct Taps {
  std::vector<std::string> names;
  std::vector<DenseTap> taps;

  explicit Taps(std::vector<std::string> layer_names) : names(std::move(layer_names)) {}
  Taps(const Taps&) = delete;
  Taps& operator=(const Taps&) = delete;

  Taps& add(const Tensor& input, const Tensor& weight, const Tensor& bias = {}, bool raw = false) {
    taps.push_back({&names.at(taps.size()), input, weight, bias, {}, raw});
    return *this;
  }
};

}  // namespace hebb::test
