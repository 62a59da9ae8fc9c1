#pragma once

#include "core/cpu/simd/integers.hpp"
#include "core/cpu/simd/vector.hpp"

namespace hebb::cpu::HEBB_ISA {

/// Short rows, for which a call of memcpy would cost more than the copy.
template <class T>
inline void copy_row(int64_t n, const T* from, T* to) {
  constexpr int64_t lanes = Vec<T>::lanes;
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, load(from + i));
  if (i < n) store(to + i, load(from + i, n - i), n - i);
}

/// to[j * to_stride + i] = from[i * stride + j] for i < rows <= lanes and j < columns <= lanes.
template <class T>
inline void transpose_block(int64_t rows, int64_t columns, const T* from, int64_t stride, T* to,
                            int64_t to_stride) {
  constexpr int64_t lanes = Vec<T>::lanes;
  Vec<T> tile[lanes];
  if (rows == lanes && columns == lanes) {
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r) tile[r] = load(from + r * stride);
    transpose(tile);
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r) store(to + r * to_stride, tile[r]);
  } else {
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r)
      tile[r] = r < rows ? load(from + r * stride, columns) : Vec<T>(T(0));
    transpose(tile);
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r)
      if (r < columns) store(to + r * to_stride, tile[r], rows);
  }
}

/// The same for every number of rows and columns.
template <class T>
inline void transpose_copy(int64_t rows, int64_t columns, const T* from, int64_t stride, T* to,
                           int64_t to_stride) {
  constexpr int64_t lanes = Vec<T>::lanes;
  for (int64_t i = 0; i < rows; i += lanes)
    for (int64_t j = 0; j < columns; j += lanes)
      transpose_block(smaller(lanes, rows - i), smaller(lanes, columns - j), from + i * stride + j,
                      stride, to + j * to_stride + i, to_stride);
}

}  // namespace hebb::cpu::HEBB_ISA
