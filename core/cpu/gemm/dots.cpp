#include "core/cpu/gemm/dots.hpp"

#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/vector.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

using Floats = Vec<float>;

/// Gives `step` what reads each vector of a row of k elements.
auto all_vectors(int64_t k) {
  return [k](auto&& step) {
    int64_t p = 0;
    for (; p + Floats::lanes <= k; p += Floats::lanes)
      step([p](const float* x) { return load(x + p); });
    if (p < k) step([p, left = k - p](const float* x) { return load(x + p, left); });
  };
}

/// The same, but of whole vectors only those that begin at `from[0 .. count)`.
auto some_vectors(int64_t k, const int32_t* from, int64_t count) {
  return [=](auto&& step) {
    for (int64_t i = 0; i < count; ++i) step([p = from[i]](const float* x) { return load(x + p); });
    if (const int64_t left = k % Floats::lanes)
      step([=](const float* x) { return load(x + k - left, left); });
  };
}

/// Rows of A times rows of B (B transposed): dot products, whose lanes run along k.
template <int rows, int columns, class Vectors>
void dot_tile(const Product<float>& q, int64_t i, int64_t j, const Vectors& vectors) {
  Floats s[rows][columns];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < columns; ++c) s[r][c] = Floats(0.0f);
  const float* a = q.a.data + i * q.a.stride;
  const float* b = q.b.data + j * q.b.stride;
  vectors([&](auto read) {
    Floats right[columns];
#pragma GCC unroll 8
    for (int c = 0; c < columns; ++c) right[c] = read(b + c * q.b.stride);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const Floats left = read(a + r * q.a.stride);
#pragma GCC unroll 8
      for (int c = 0; c < columns; ++c) s[r][c] += left * right[c];
    }
  });
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < columns; ++c) {
      float* out = q.c + (i + r) * q.c_stride + j + c;
      float x = q.alpha * sum(s[r][c]);
      if (q.beta != 0.0f) x += q.beta * *out;
      if (q.row_bias) x += q.row_bias[i + r];
      if (q.column_bias) x += q.column_bias[j + c];
      *out = x;
    }
}

template <int columns>
void dot_columns(const Product<float>& q, int64_t j) {
  const auto all = all_vectors(q.k);
  int64_t i = 0;
  for (; i + 4 <= q.m; i += 4) dot_tile<4, columns>(q, i, j, all);
  if (q.m - i == 3) dot_tile<3, columns>(q, i, j, all);
  if (q.m - i == 2) dot_tile<2, columns>(q, i, j, all);
  if (q.m - i == 1) dot_tile<1, columns>(q, i, j, all);
}

/// One row of A.
template <class Vectors>
void dot_row(const Product<float>& q, const Vectors& vectors) {
  constexpr int columns = vector_registers == 32 ? 6 : 3;
  int64_t j = 0;
  for (; j + 8 <= q.n; j += 8) dot_tile<1, 8>(q, 0, j, vectors);
  for (; j + columns <= q.n; j += columns) dot_tile<1, columns>(q, 0, j, vectors);
  for (; j < q.n; ++j) dot_tile<1, 1>(q, 0, j, vectors);
}

/// One row of A with much of B to be read: the rows of B are passed over where A's is zero, as in
/// pictures, to the same bits. False where that does not pay.
bool dot_sparse_row(const Product<float>& q) {
  constexpr int64_t worth_a_look = 256;
  if (q.n < worth_a_look || q.k < worth_a_look) return false;
  const int64_t whole = q.k / Floats::lanes;
  const Scratch<int32_t> from(whole);
  int64_t count = 0;
  for (int64_t i = 0; i < whole; ++i) {
    const Floats x = load(q.a.data + i * Floats::lanes), zero(0.0f);
    if (sum(select(x != zero, Floats(1.0f), zero)) > 0.0f)
      from[count++] = int32_t(i * Floats::lanes);
  }
  if (4 * count > 3 * whole) return false;
  dot_row(q, some_vectors(q.k, from.data(), count));
  return true;
}

}  // namespace

void gemm_dots(const Product<float>& q) {
  constexpr int columns = vector_registers == 32 ? 6 : 3;
  if (q.m == 1) {
    if (!dot_sparse_row(q)) dot_row(q, all_vectors(q.k));
    return;
  }
  int64_t j = 0;
  for (; j + columns <= q.n; j += columns) dot_columns<columns>(q, j);
  for (; j < q.n; ++j) dot_columns<1>(q, j);
}

}  // namespace hebb::cpu::HEBB_ISA
