#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>

#include "core/cpu/kernels.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/cpu/simd/loops.hpp"
#include "core/cpu/simd/math.hpp"

/// What the forms of BEAN's penalty share. Matrices in scratch memory have rows of whole vectors,
/// zero behind the last column.
namespace hebb::cpu::HEBB_ISA {

/// n elements in whole vectors. Rows never lie a whole number of kilobytes apart: columns of such
/// matrices share a few sets of the cache and drive each other out.
template <class T>
constexpr int64_t padded(int64_t n) {
  const int64_t width = ceil_div(n, Vec<T>::lanes) * Vec<T>::lanes;
  return width * int64_t(sizeof(T)) % 1024 == 0 ? width + Vec<T>::lanes : width;
}

template <class T>
inline void zero(T* p, int64_t n) {
  std::fill(p, p + n, T(0));
}

/// f = |tanh(gamma w)| for one row of n weights, and zeros up to `width`.
template <class T>
void connection_strength(int64_t n, int64_t width, const T* w, T gamma, T* f);

/// dw = factor df sign(w) (1 - f²) for n weights.
template <class T>
void strength_gradient(int64_t n, const T* w, const T* f, const T* df, T factor, T* dw);

/// C = Aᵀ B for A [k, n] and B [k, width], n whole vectors; the first n columns of C are symmetric,
/// and only what stands on and above their diagonal is multiplied out.
template <class T>
void symmetric_product(int64_t n, int64_t width, int64_t k, const T* a, const T* b, int64_t stride,
                       T* c, int64_t c_stride);

/// `rows` centres against one vector of columns of h [samples, stride]: adds up each column's
/// divergence from each centre over the samples, and adds the pull to the centres, weighted, to
/// `force` (like h). Centre r of sample s is centre[s * centre_stride + r].
template <Divergence divergence, int rows, class T>
inline void pull(int64_t samples, const T* h, int64_t stride, const T* centre,
                 int64_t centre_stride, const Vec<T> (&weight)[rows], Vec<T> (&distance)[rows],
                 T* force) {
  using V = Vec<T>;
  for (int r = 0; r < rows; ++r) distance[r] = T(0);
  for (int64_t s = 0; s < samples; ++s) {
    const V x = load(h + s * stride);
    V f = load(force + s * stride);
#pragma GCC unroll 12
    for (int r = 0; r < rows; ++r) {
      const V e = x - V(centre[s * centre_stride + r]);
      if constexpr (divergence == Divergence::squared) {
        distance[r] += e * e;
        f += weight[r] * e;
      } else {
        distance[r] += abs(e);
        f += weight[r] * sign(e);
      }
    }
    store(force + s * stride, f);
  }
}

/// The most rows that `pull` takes, so that distances and weights stay in registers.
inline constexpr int max_rows = vector_registers == 32 ? 10 : 5;

/// function.operator()<rows>(first) for [0, n) in pieces of nearly equal size.
template <class Function>
inline void for_row_tiles(int64_t n, Function&& function) {
  const int64_t tiles = ceil_div(n, max_rows);
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t first = n * t / tiles, rows = n * (t + 1) / tiles - first;
    [&]<int... r>(std::integer_sequence<int, r...>) {
      ((rows == r + 1 && (function.template operator()<r + 1>(first), true)) || ...);
    }
    (std::make_integer_sequence<int, max_rows>());
  }
}

/// Vectors of columns worth a thread, when each costs this many steps of `pull`.
constexpr int64_t column_grain(int64_t steps) {
  return std::max<int64_t>(1, (int64_t(1) << 16) / (steps + 1));
}

}  // namespace hebb::cpu::HEBB_ISA
