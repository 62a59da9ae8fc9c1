#pragma once

#include <algorithm>
#include <cstdint>

#include "core/backend.hpp"
#include "core/cpu/loops.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd.hpp"

/// What the forms of BEAN's penalty share. Matrices in scratch memory have rows of whole vectors,
/// zero behind the last column.
namespace hebb::cpu::HEBB_ISA {

template <class T>
constexpr int64_t padded(int64_t n) {
  return ceil_div(n, Vec<T>::lanes) * Vec<T>::lanes;
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

/// to[j][i] = from[i][j] for i < rows, j < columns; both whole vectors.
template <class T>
void transpose(int64_t rows, int64_t columns, const T* from, int64_t from_stride, T* to,
               int64_t to_stride);

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
#pragma GCC unroll 8
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

/// Rows that `pull` takes at a time, so that distances and weights stay in registers.
inline constexpr int pull_rows = vector_registers / 4;

/// function.operator()<rows>(first) for [0, n) in pieces of pull_rows, 4, 2 and 1 rows.
template <class Function>
inline void for_row_tiles(int64_t n, Function&& function) {
  int64_t r = 0;
  for (; r + pull_rows <= n; r += pull_rows) function.template operator()<pull_rows>(r);
  if (pull_rows > 4 && r + 4 <= n) function.template operator()<4>(r), r += 4;
  if (r + 2 <= n) function.template operator()<2>(r), r += 2;
  if (r < n) function.template operator()<1>(r);
}

/// Vectors of columns worth a thread, when each costs this many steps of `pull`.
constexpr int64_t column_grain(int64_t steps) {
  return std::max<int64_t>(1, (int64_t(1) << 16) / (steps + 1));
}

}  // namespace hebb::cpu::HEBB_ISA
