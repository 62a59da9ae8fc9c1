#pragma once

#include <cstddef>

#include "core/cpu/simd/vector.hpp"

/// Winograd's minimal filtering algorithms: `outputs` of a correlation with 3 weights from `points`
/// products, each with one of `kernels` sums of weights: the first of them with one each, all
/// others with the last. `size` inputs are read, and the next tile's begin `step` behind them.
/// Correlating is multiplying polynomials, done by their values at some points and at infinity.
/// Gradients take the adjoint of a step. Steps are objects, which are inlined where functions that
/// are passed on are not.
///
/// A. Lavin, S. Gray: Fast Algorithms for Convolutional Neural Networks, CVPR 2016.
namespace hebb::cpu::HEBB_ISA {

/// F(2, 3), at 0, 1, -1.
struct TwoOutputs {
  using V = Vec<float>;
  static constexpr int outputs = 2, size = 4, step = 2, points = 4, kernels = 4;

  static constexpr auto input = [](const V (&d)[4], V (&v)[4]) __attribute__((always_inline)) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[1] - d[3];
  };
  static constexpr auto weights = [](const V (&w)[3], V (&u)[4]) __attribute__((always_inline)) {
    const V half = 0.5f, even = (w[0] + w[2]) * half, odd = w[1] * half;
    u[0] = w[0];
    u[1] = even + odd;
    u[2] = even - odd;
    u[3] = w[2];
  };
  static constexpr auto output = [](const V (&p)[4], V (&y)[2]) __attribute__((always_inline)) {
    y[0] = p[0] + p[1] + p[2];
    y[1] = p[1] - p[2] - p[3];
  };
  static constexpr auto output_adjoint =
      [](const V (&y)[2], V (&p)[4]) __attribute__((always_inline)) {
    p[0] = y[0];
    p[1] = y[0] + y[1];
    p[2] = y[0] - y[1];
    p[3] = -y[1];
  };
  static constexpr auto weights_adjoint =
      [](const V (&u)[4], V (&w)[3]) __attribute__((always_inline)) {
    const V half = 0.5f, even = (u[1] + u[2]) * half;
    w[0] = u[0] + even;
    w[1] = (u[1] - u[2]) * half;
    w[2] = even + u[3];
  };
};

/// F(4, 3), at 0, a, -a, b, -b.
struct FourOutputs {
  using V = Vec<float>;
  static constexpr int outputs = 4, size = 6, step = 4, points = 6, kernels = 6;
  // A quarter of the rounding errors that 1 and 2 have; powers and products are exact.
  static constexpr float a = 0.625f, b = 1.5f, a2 = a * a, b2 = b * b;
  static constexpr float at_0 = 1 / (a2 * b2), at_a = 1 / (2 * a2 * (a2 - b2)),
                         at_b = 1 / (2 * b2 * (b2 - a2));

  static constexpr auto input = [](const V (&d)[6], V (&v)[6]) __attribute__((always_inline)) {
    const V even_a = d[4] - V(b2) * d[2], odd_a = V(a) * (d[3] - V(b2) * d[1]);
    const V even_b = d[4] - V(a2) * d[2], odd_b = V(b) * (d[3] - V(a2) * d[1]);
    v[0] = V(a2 * b2) * d[0] - V(a2 + b2) * d[2] + d[4];
    v[1] = even_a + odd_a;
    v[2] = even_a - odd_a;
    v[3] = even_b + odd_b;
    v[4] = even_b - odd_b;
    v[5] = V(a2 * b2) * d[1] - V(a2 + b2) * d[3] + d[5];
  };
  static constexpr auto weights = [](const V (&w)[3], V (&u)[6]) __attribute__((always_inline)) {
    const V even_a = V(at_a) * w[0] + V(at_a * a2) * w[2], odd_a = V(at_a * a) * w[1];
    const V even_b = V(at_b) * w[0] + V(at_b * b2) * w[2], odd_b = V(at_b * b) * w[1];
    u[0] = V(at_0) * w[0];
    u[1] = even_a + odd_a;
    u[2] = even_a - odd_a;
    u[3] = even_b + odd_b;
    u[4] = even_b - odd_b;
    u[5] = w[2];
  };
  static constexpr auto output = [](const V (&p)[6], V (&y)[4]) __attribute__((always_inline)) {
    const V even_a = p[1] + p[2], odd_a = p[1] - p[2], even_b = p[3] + p[4], odd_b = p[3] - p[4];
    y[0] = p[0] + even_a + even_b;
    y[1] = V(a) * odd_a + V(b) * odd_b;
    y[2] = V(a2) * even_a + V(b2) * even_b;
    y[3] = V(a2 * a) * odd_a + V(b2 * b) * odd_b + p[5];
  };
  static constexpr auto output_adjoint =
      [](const V (&y)[4], V (&p)[6]) __attribute__((always_inline)) {
    const V even_a = y[0] + V(a2) * y[2], odd_a = V(a) * y[1] + V(a2 * a) * y[3];
    const V even_b = y[0] + V(b2) * y[2], odd_b = V(b) * y[1] + V(b2 * b) * y[3];
    p[0] = y[0];
    p[1] = even_a + odd_a;
    p[2] = even_a - odd_a;
    p[3] = even_b + odd_b;
    p[4] = even_b - odd_b;
    p[5] = y[3];
  };
  static constexpr auto weights_adjoint =
      [](const V (&u)[6], V (&w)[3]) __attribute__((always_inline)) {
    const V even_a = V(at_a) * (u[1] + u[2]), odd_a = V(at_a * a) * (u[1] - u[2]);
    const V even_b = V(at_b) * (u[3] + u[4]), odd_b = V(at_b * b) * (u[3] - u[4]);
    w[0] = V(at_0) * u[0] + even_a + even_b;
    w[1] = odd_a + odd_b;
    w[2] = V(a2) * even_a + V(b2) * even_b + u[5];
  };
};

/// F(4, 2), at 0, a, -a, b, for the first and the last of 3 weights; with a stride of 2, the one
/// between them meets other elements, and saves nothing.
struct FourOutputsOfTwo {
  using V = Vec<float>;
  // A third of the rounding errors that 1 and -1/2 have.
  static constexpr float a = 0.75f, b = -2, a2 = a * a, b2 = b * b;
  static constexpr float at_0 = 1 / (a2 * b), at_a = 1 / (2 * a2 * (a - b)),
                         at_minus_a = -1 / (2 * a2 * (a + b)), at_b = 1 / (b * (b2 - a2));

  [[gnu::always_inline]] static void input(const V (&d)[5], V (&v)[9]) {
    V e[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) e[i] = d[i + 1] - V(b) * d[i];
    v[0] = e[2] - V(a2) * e[0];
    v[1] = e[2] + V(a) * e[1];
    v[2] = e[2] - V(a) * e[1];
    v[3] = d[3] - V(a2) * d[1];
    v[4] = e[3] - V(a2) * e[1];
  }
  [[gnu::always_inline]] static void output(const V (&p)[9], V (&y)[4]) {
    const V even = p[1] + p[2], odd = p[1] - p[2];
    y[0] = p[0] + even + p[3];
    y[1] = V(a) * odd + V(b) * p[3];
    y[2] = V(a2) * even + V(b2) * p[3];
    y[3] = V(a2 * a) * odd + V(b2 * b) * p[3] + p[4];
  }
};

/// Stride 2: F(4, 2) of the inputs with even numbers, and the weight 1 at those with odd numbers.
struct FourStridedOutputs : FourOutputsOfTwo {
  static constexpr int outputs = 4, size = 9, step = 8, points = 9, kernels = 6;

  static constexpr auto input = [](const V (&d)[9], V (&v)[9]) __attribute__((always_inline)) {
    FourOutputsOfTwo::input({d[0], d[2], d[4], d[6], d[8]}, v);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) v[5 + i] = d[2 * i + 1];
  };
  static constexpr auto weights = [](const V (&w)[3], V (&u)[6]) __attribute__((always_inline)) {
    u[0] = V(at_0) * w[0];
    u[1] = V(at_a) * w[0] + V(at_a * a) * w[2];
    u[2] = V(at_minus_a) * w[0] - V(at_minus_a * a) * w[2];
    u[3] = V(at_b) * w[0] + V(at_b * b) * w[2];
    u[4] = w[2];
    u[5] = w[1];
  };
  static constexpr auto output = [](const V (&p)[9], V (&y)[4]) __attribute__((always_inline)) {
    FourOutputsOfTwo::output(p, y);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) y[i] += p[5 + i];
  };
  static constexpr auto output_adjoint =
      [](const V (&y)[4], V (&p)[9]) __attribute__((always_inline)) {
    const V even = y[0] + V(a2) * y[2], odd = V(a) * y[1] + V(a2 * a) * y[3];
    p[0] = y[0];
    p[1] = even + odd;
    p[2] = even - odd;
    p[3] = y[0] + V(b) * y[1] + V(b2) * y[2] + V(b2 * b) * y[3];
    p[4] = y[3];
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) p[5 + i] = y[i];
  };
  static constexpr auto weights_adjoint =
      [](const V (&u)[6], V (&w)[3]) __attribute__((always_inline)) {
    const V plus = V(at_a) * u[1], minus = V(at_minus_a) * u[2], last = V(at_b) * u[3];
    w[0] = V(at_0) * u[0] + plus + minus + last;
    w[1] = u[5];
    w[2] = V(a) * (plus - minus) + V(b) * last + u[4];
  };
};

/// The input's gradient for stride 2 and padding 1, with flipped weights: every other element meets
/// the weight 1, those between them the weights 0 and 2 by F(4, 2).
struct EightSpreadOutputs : FourOutputsOfTwo {
  static constexpr int outputs = 8, size = 5, step = 4, points = 9, kernels = 6;

  static constexpr auto input = [](const V (&d)[5], V (&v)[9]) __attribute__((always_inline)) {
    FourOutputsOfTwo::input(d, v);
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) v[5 + i] = d[i];
  };
  static constexpr auto weights = FourStridedOutputs::weights;
  static constexpr auto output = [](const V (&p)[9], V (&y)[8]) __attribute__((always_inline)) {
    V odd[4];
    FourOutputsOfTwo::output(p, odd);
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) {
      y[2 * i] = p[5 + i];
      y[2 * i + 1] = odd[i];
    }
  };
};

/// A step in both dimensions: write(i, j, step of the columns and then of the rows of read(i, j)).
template <int from, int to, class Step, class Read, class Write>
[[gnu::always_inline]] inline void both_ways(Step step, Read read, Write write) {
  using V = Vec<float>;
  V half[to][from];
#pragma GCC unroll 9
  for (int j = 0; j < from; ++j) {
    V column[from], result[to];
#pragma GCC unroll 9
    for (int i = 0; i < from; ++i) column[i] = read(i, j);
    step(column, result);
#pragma GCC unroll 9
    for (int i = 0; i < to; ++i) half[i][j] = result[i];
  }
#pragma GCC unroll 9
  for (int i = 0; i < to; ++i) {
    V result[to];
    step(half[i], result);
#pragma GCC unroll 9
    for (int j = 0; j < to; ++j) write(i, j, result[j]);
  }
}

}  // namespace hebb::cpu::HEBB_ISA
