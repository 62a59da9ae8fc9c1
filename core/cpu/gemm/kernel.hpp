#pragma once

#include <cstdint>
#include <utility>

#include "core/cpu/simd/vector.hpp"

/// The register-blocked inner loop of every matrix product: rows x vectors accumulators, one
/// broadcast element of A against vectors of a row of B.
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

/// Elements (i, p) of A at data[offset[p] + i]: what a weight p meets at the i-th position of an
/// image's row.
struct ShiftedPositions {
  const float* data;
  const int32_t* offset;
  float operator()(int64_t i, int64_t p) const { return data[offset[p] + i]; }
};

/// Elements (i, p) of A at row[i * stride + p].
template <class T>
struct RowMajor {
  const T* data;
  int64_t stride;
  T operator()(int64_t i, int64_t p) const { return data[i * stride + p]; }
};

/// Elements (i, p) of A at row[i * stride + column[p]].
template <class T>
struct GatheredRows {
  const T* data;
  int64_t stride;
  const int32_t* column;
  T operator()(int64_t i, int64_t p) const { return data[i * stride + column[p]]; }
};

/// Elements (i, p) of A at data[p * stride + i].
template <class T>
struct ColumnMajor {
  const T* data;
  int64_t stride;
  T operator()(int64_t i, int64_t p) const { return data[p * stride + i]; }
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

/// C tile of `rows` rows and `vectors` vectors; with `tail`, the last vector has `last` lanes.
template <int rows, int vectors, bool tail, class T, class A, class B>
void gemm_tile(int64_t k, A a, B b, const TileOutput<T>& out, int64_t last) {
  using V = Vec<T>;
  V sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) sum[i][j] = V(T(0));

      // The tile of C is on its way into the cache while the products are summed.
#pragma GCC unroll 1
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j) __builtin_prefetch(out.c + i * out.stride + j * V::lanes, 1);

  for (int64_t p = 0; p < k; ++p) {
    const T* row = b[p];
    V right[vectors];
#pragma GCC unroll 8
    for (int j = 0; j < vectors; ++j)
      right[j] =
          tail && j == vectors - 1 ? load(row + j * V::lanes, last) : load(row + j * V::lanes);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) {
      const V left = a(i, p);
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) sum[i][j] += left * right[j];
    }
  }

  // Each step over the whole tile: one branch, and less code, than all steps for each vector.
  const TileOutput<T> to = out;
  const auto each = [&](auto&& step) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 8
      for (int j = 0; j < vectors; ++j) step(sum[i][j], i, j);
  };
  const auto read = [&](const T* p, int j) {
    p += j * V::lanes;
    return tail && j == vectors - 1 ? load(p, last) : load(p);
  };
  each([&](V& x, int, int) { x *= V(to.alpha); });
  if (to.beta != T(0))
    each([&](V& x, int i, int j) { x += V(to.beta) * read(to.c + i * to.stride, j); });
  if (to.row_bias) each([&](V& x, int i, int) { x += V(to.row_bias[i]); });
  if (to.column_bias) each([&](V& x, int, int j) { x += read(to.column_bias, j); });
  each([&](V& x, int i, int j) {
    T* c = to.c + i * to.stride + j * V::lanes;
    if (tail && j == vectors - 1)
      store(c, x, last);
    else
      store(c, x);
  });
}

template <class T, class A, class B>
using TileFunction = void (*)(int64_t k, A a, B b, const TileOutput<T>& out, int64_t last);

/// The tile function for numbers of rows and vectors that are known at run time only.
template <class T, class A, class B>
TileFunction<T, A, B> find_tile(int64_t rows, int64_t vectors, bool tail) {
  constexpr auto entry = []<int r, int log_v, bool t>() -> TileFunction<T, A, B> {
    if constexpr ((r << log_v) <= max_accumulators && (t || full_tile_pays(r << log_v)))
      return gemm_tile<r, 1 << log_v, t, T, A, B>;
    else
      return nullptr;
  };
  static constexpr auto table = [entry]<int... i>(std::integer_sequence<int, i...>) {
    struct {
      TileFunction<T, A, B> function[sizeof...(i)];
    } t = {{entry.template operator()<i / 8 + 1, i % 8 / 2, i % 2 == 1>()...}};
    return t;
  }
  (std::make_integer_sequence<int, max_tile_rows * 8>());
  const int64_t log_v = vectors == 8 ? 3 : vectors == 4 ? 2 : vectors == 2 ? 1 : 0;
  return table.function[(rows - 1) * 8 + log_v * 2 + (tail || !full_tile_pays(int(rows << log_v)))];
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
