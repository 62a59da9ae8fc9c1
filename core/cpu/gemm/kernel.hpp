#pragma once

#include <cstdint>

#include "core/cpu/simd/vector.hpp"

/// The register-blocked inner loop of every matrix product: rows x vectors accumulators, one
/// broadcast element of A against vectors of a row of B. There is code for each kind of factor and
/// each size of tile, once (tiles.cpp).
namespace hebb::cpu::HEBB_ISA {

/// Rows of B at a fixed distance.
template <class T>
struct StridedRows {
  const T* data;
  int64_t stride;
  const T* operator[](int64_t p) const { return data + p * stride; }
};

/// Rows of B at listed distances from one base: shifted views of a padded image.
template <class T>
struct OffsetRows {
  const T* data;
  const int32_t* offset;
  const T* operator[](int64_t p) const { return data + offset[p]; }
};

/// Lines of memory that are wanted soon, at listed distances from one base.
template <class T>
struct Lines {
  const T* base;
  const int32_t* offset;
};

/// Rows of B at a fixed distance. Each of them asks for a line into the first-level cache and for
/// one into the second-level cache; of many requests at once, Zen 4 drops some. Only for tiles of
/// two full vectors (full_tile_pays).
template <class T>
struct ForeseeingRows {
  static constexpr int vectors = 2;
  const T* data;
  int64_t stride;
  Lines<T> first_level, second_level;
  const T* operator[](int64_t p) const {
    __builtin_prefetch(first_level.base + first_level.offset[p], 0, 3);
    __builtin_prefetch(second_level.base + second_level.offset[p], 0, 2);
    return data + p * stride;
  }
};

/// Elements (i, p) of A at data[i * stride + p].
template <class T>
struct RowMajor {
  const T* data;
  int64_t stride;
  T operator()(int64_t i, int64_t p) const { return data[i * stride + p]; }
};

/// Elements (i, p) of A at data[p * stride + i].
template <class T>
struct ColumnMajor {
  const T* data;
  int64_t stride;
  T operator()(int64_t i, int64_t p) const { return data[p * stride + i]; }
};

/// Elements (i, p) of A at data[i * row + offset[p]]: some of a matrix's columns, or, with rows one
/// apart, what a weight p meets at neighbouring positions of an image.
template <class T>
struct Gathered {
  const T* data;
  int64_t row;
  const int32_t* offset;
  T operator()(int64_t i, int64_t p) const { return data[i * row + offset[p]]; }
};

/// Where a tile of C goes, and how: C = alpha A B + beta C + biases.
template <class T>
struct TileOutput {
  T* c;
  int64_t stride;
  T alpha = 1, beta = 0;
  const T *row_bias = nullptr, *column_bias = nullptr;
};

/// The accumulators that fit beside one broadcast element and a row of B.
inline constexpr int max_accumulators = vector_registers == 32 ? 24 : 12;
inline constexpr int max_tile_rows = max_accumulators / 2;

/// Whether full tiles have code of their own. A masked load takes a port that multiplies, which
/// small tiles of AVX-512 are worth less than their size.
constexpr bool full_tile_pays(int accumulators) {
  return vector_registers < 32 || accumulators >= 16;
}

/// The widest tile, in vectors, for this many rows.
constexpr int tile_vectors(int64_t rows) {
  return rows * 8 <= max_accumulators ? 8 : rows * 4 <= max_accumulators ? 4 : 2;
}

template <class T, class A, class B>
using TileFunction = void (*)(int64_t k, A a, B b, const TileOutput<T>& out, int64_t last);

/// For each number of rows and vectors, 1, 2, 4 or 8, the code for tiles whose last vector is full,
/// and the code for others.
template <class T, class A, class B>
struct TileTable {
  TileFunction<T, A, B> function[max_tile_rows * 8];
  static const TileTable all;
};
extern template struct TileTable<float, RowMajor<float>, StridedRows<float>>;
extern template struct TileTable<float, RowMajor<float>, OffsetRows<float>>;
extern template struct TileTable<float, ColumnMajor<float>, StridedRows<float>>;
extern template struct TileTable<float, Gathered<float>, StridedRows<float>>;
extern template struct TileTable<float, Gathered<float>, ForeseeingRows<float>>;

/// The tile function for numbers of rows and vectors that are known at run time only.
template <class T, class A, class B>
TileFunction<T, A, B> find_tile(int64_t rows, int64_t vectors, bool tail) {
  const int64_t log_v = vectors == 8 ? 3 : vectors == 4 ? 2 : vectors == 2 ? 1 : 0;
  const bool masked = tail || !full_tile_pays(int(rows << log_v));
  return TileTable<T, A, B>::all.function[(rows - 1) * 8 + log_v * 2 + masked];
}

/// One block of `rows` <= max_tile_rows rows against n columns of B, in the widest tiles.
template <class T, class A, class B>
void gemm_rows(int64_t rows, int64_t n, int64_t k, A a, B b, TileOutput<T> out) {
  constexpr int64_t lanes = Vec<T>::lanes;
  int64_t vectors = tile_vectors(rows);
  for (int64_t j = 0; j < n;) {
    const int64_t left = n - j;
    while (vectors > 1 && left <= vectors / 2 * lanes) vectors /= 2;
    // Three vectors are left of four, say: two and one rather than four with an empty one.
    const int64_t width = left < vectors * lanes ? left : vectors * lanes;
    if (vectors > 2 && width <= (vectors - 1) * lanes) {
      vectors /= 2;
      continue;
    }
    const int64_t last = width - (vectors - 1) * lanes;
    B shifted = b;
    shifted.data += j;
    TileOutput<T> tile = out;
    tile.c += j;
    if (tile.column_bias) tile.column_bias += j;
    find_tile<T, A, B>(rows, vectors, last < lanes)(k, a, shifted, tile, last);
    j += width;
  }
}

}  // namespace hebb::cpu::HEBB_ISA
