#pragma once

#include "core/cpu/simd/integers.hpp"
#include "core/cpu/simd/vector.hpp"

namespace hebb::cpu::HEBB_ISA {

/// The first n lanes to memory that is written in order up to `end`. Where there is room all lanes
/// are stored: what stands behind is written later, and with AVX2 Zen 3 is slow to store some.
template <class T>
inline void store_in_order(T* p, Vec<T> a, int64_t n, const T* end) {
  if (n == Vec<T>::lanes || end - p >= Vec<T>::lanes)
    store(p, a);
  else
    store(p, a, n);
}

/// Short rows, for which a call of memcpy would cost more than the copy. The last vector overlaps
/// the one before.
template <class T>
inline void copy_row(int64_t n, const T* from, T* to) {
  constexpr int64_t lanes = Vec<T>::lanes;
  if (n < lanes) return store(to, load(from, n), n);
  for (int64_t i = 0; i + lanes < n; i += lanes) store(to + i, load(from + i));
  store(to + n - lanes, load(from + n - lanes));
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
  } else {
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r)
      tile[r] = r < rows ? load(from + r * stride, columns) : Vec<T>(T(0));
  }
  transpose(tile);
  if (rows == lanes) {
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r)
      if (r < columns) store(to + r * to_stride, tile[r]);
  } else {
#pragma GCC unroll 16
    for (int64_t r = 0; r < lanes; ++r)
      if (r < columns) store(to + r * to_stride, tile[r], rows);
  }
}

/// The same for every number of rows and columns. The last block overlaps the one before.
template <class T>
inline void transpose_copy(int64_t rows, int64_t columns, const T* from, int64_t stride, T* to,
                           int64_t to_stride) {
  constexpr int64_t lanes = Vec<T>::lanes;
  const int64_t height = smaller(lanes, rows), width = smaller(lanes, columns);
  for (int64_t next_i = 0; next_i < rows; next_i += lanes)
    for (int64_t next_j = 0; next_j < columns; next_j += lanes) {
      const int64_t i = smaller(next_i, rows - height), j = smaller(next_j, columns - width);
      transpose_block(height, width, from + i * stride + j, stride, to + j * to_stride + i,
                      to_stride);
    }
}

}  // namespace hebb::cpu::HEBB_ISA
