#include "core/cpu/gemm/gemm.hpp"

#include <Eigen/Core>

#include "core/cpu/copy.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/scratch.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

constexpr int64_t k_block = 400, block_elements = 1 << 14, most_dot_rows = 12;

/// B's rows [0, depth) and columns [0, width) in panels of `panel` columns, one behind the other.
template <class T>
void pack_columns(bool trans, int64_t depth, int64_t width, int64_t panel, const T* b, int64_t ldb,
                  T* to) {
  if (trans) {
    for (int64_t j = 0; j < width; j += panel)
      transpose_copy(smaller(panel, width - j), depth, b + j * ldb, ldb, to + j * depth, panel);
    return;
  }
  for (int64_t p = 0; p < depth; ++p)
    for (int64_t j = 0; j < width; j += panel)
      copy_row(smaller(panel, width - j), b + p * ldb + j, to + j * depth + p * panel);
}

/// What a product is made of, for the functions below.
template <class T>
struct Problem {
  bool trans_a, trans_b;
  int64_t m, n, k;
  T alpha;
  const T* a;
  int64_t lda;
  const T* b;
  int64_t ldb;
  T beta;
  T* c;
  int64_t ldc;
  Epilogue<T> epilogue;
};

/// Blocks of B that the second-level cache holds, in panels that the first-level cache holds while
/// the rows of A pass by.
template <class T>
void gemm_blocked(const Problem<T>& q) {
  constexpr int64_t lanes = Vec<T>::lanes;
  const int64_t row_blocks = ceil_div(q.m, max_tile_rows);
  const auto first_row = [&](int64_t block) { return q.m * block / row_blocks; };
  const int64_t k_blocks = larger(1, ceil_div(q.k, k_block));
  const int64_t depth_max = ceil_div(q.k, k_blocks);
  const int64_t panel = tile_vectors(ceil_div(q.m, row_blocks)) * lanes;
  const bool pack_a = q.n >= 4 * panel && q.k >= 2 * lanes;
  const bool pack_b = q.trans_b || (row_blocks > 3 && q.k >= 2 * lanes);
  // Unpacked and shallow, all of a row of C is written at once.
  const int64_t block_columns =
      smaller(ceil_div(q.n, panel), larger(1, block_elements / larger(1, depth_max) / panel)) *
      panel;
  const int64_t step = pack_b || depth_max * q.n > 8192 ? panel : block_columns;
  Scratch<T> packed_a(pack_a ? row_blocks * max_tile_rows * depth_max : 0);
  Scratch<T> packed_b(pack_b ? block_columns * depth_max : 0);

  for (int64_t kb = 0; kb < k_blocks; ++kb) {
    const int64_t p = q.k * kb / k_blocks, depth = q.k * (kb + 1) / k_blocks - p;
    const bool last = kb == k_blocks - 1;
    const T* a = q.a + p * (q.trans_a ? q.lda : 1);
    if (pack_a)
      for (int64_t block = 0; block < row_blocks; ++block) {
        const int64_t i = first_row(block), rows = first_row(block + 1) - i;
        T* to = packed_a.data() + block * max_tile_rows * depth_max;
        if (q.trans_a)
          for (int64_t d = 0; d < depth; ++d)
            copy_row(rows, a + d * q.lda + i, to + d * max_tile_rows);
        else
          transpose_copy(rows, depth, a + i * q.lda, q.lda, to, max_tile_rows);
      }
    for (int64_t from = 0; from < q.n; from += block_columns) {
      const int64_t to = smaller(q.n, from + block_columns);
      const T* b = q.b + (q.trans_b ? from * q.ldb + p : p * q.ldb + from);
      if (pack_b) pack_columns(q.trans_b, depth, to - from, panel, b, q.ldb, packed_b.data());
      for (int64_t j = from; j < to; j += step) {
        const int64_t width = smaller(step, to - j);
        const StridedRows<T> right =
            pack_b ? StridedRows<T>{packed_b.data() + (j - from) * depth, panel}
                   : StridedRows<T>{b + (j - from), q.ldb};
        for (int64_t block = 0; block < row_blocks; ++block) {
          const int64_t i = first_row(block), rows = first_row(block + 1) - i;
          const Epilogue<T>& e = q.epilogue;
          const TileOutput<T> out = {q.c + i * q.ldc + j,
                                     q.ldc,
                                     q.alpha,
                                     kb == 0 ? q.beta : T(1),
                                     last && e.row_bias ? e.row_bias + i : nullptr,
                                     last && e.column_bias ? e.column_bias + j : nullptr,
                                     last && e.relu};
          if (pack_a)
            gemm_rows(
                rows, width, depth,
                ColumnMajor<T>{packed_a.data() + block * max_tile_rows * depth_max, max_tile_rows},
                right, out);
          else if (q.trans_a)
            gemm_rows(rows, width, depth, ColumnMajor<T>{a + i, q.lda}, right, out);
          else
            gemm_rows(rows, width, depth, RowMajor<T>{a + i * q.lda, q.lda}, right, out);
        }
      }
    }
  }
}

/// Rows of A times rows of B (B transposed): dot products, whose lanes run along k.
template <int rows, int columns, class T>
void dot_tile(const Problem<T>& q, int64_t i, int64_t j) {
  using V = Vec<T>;
  V s[rows][columns];
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < columns; ++c) s[r][c] = V(T(0));
  const T* a = q.a + i * q.lda;
  const T* b = q.b + j * q.ldb;
  const auto step = [&](auto read) {
    V right[columns];
#pragma GCC unroll 8
    for (int c = 0; c < columns; ++c) right[c] = read(b + c * q.ldb);
#pragma GCC unroll 4
    for (int r = 0; r < rows; ++r) {
      const V left = read(a + r * q.lda);
#pragma GCC unroll 8
      for (int c = 0; c < columns; ++c) s[r][c] += left * right[c];
    }
  };
  int64_t p = 0;
  for (; p + V::lanes <= q.k; p += V::lanes) step([p](const T* x) { return load(x + p); });
  if (p < q.k) step([p, left = q.k - p](const T* x) { return load(x + p, left); });
#pragma GCC unroll 4
  for (int r = 0; r < rows; ++r)
#pragma GCC unroll 8
    for (int c = 0; c < columns; ++c) {
      T* out = q.c + (i + r) * q.ldc + j + c;
      T x = q.alpha * sum(s[r][c]);
      if (q.beta != T(0)) x += q.beta * *out;
      if (q.epilogue.row_bias) x += q.epilogue.row_bias[i + r];
      if (q.epilogue.column_bias) x += q.epilogue.column_bias[j + c];
      *out = q.epilogue.relu && x < T(0) ? T(0) : x;
    }
}

template <int columns, class T>
void dot_columns(const Problem<T>& q, int64_t j) {
  int64_t i = 0;
  for (; i + 4 <= q.m; i += 4) dot_tile<4, columns>(q, i, j);
  if (q.m - i == 3) dot_tile<3, columns>(q, i, j);
  if (q.m - i == 2) dot_tile<2, columns>(q, i, j);
  if (q.m - i == 1) dot_tile<1, columns>(q, i, j);
}

template <class T>
void gemm_dots(const Problem<T>& q) {
  constexpr int columns = vector_registers == 32 ? 6 : 3;
  int64_t j = 0;
  if (q.m == 1)
    for (; j + 8 <= q.n; j += 8) dot_tile<1, 8>(q, 0, j);
  for (; j + columns <= q.n; j += columns) dot_columns<columns>(q, j);
  for (; j < q.n; ++j) dot_columns<1>(q, j);
}

/// A column times a row.
template <class T>
void gemm_outer(const Problem<T>& q) {
  constexpr int64_t lanes = Vec<T>::lanes;
  for (int64_t i = 0; i < q.m; ++i) {
    const Vec<T> left = q.alpha * q.a[q.trans_a ? i : i * q.lda];
    T* c = q.c + i * q.ldc;
    const auto write = [&](int64_t j, auto read, auto put) {
      Vec<T> x = left * read(q.b + j);
      if (q.beta != T(0)) x += Vec<T>(q.beta) * read(c + j);
      put(c + j, x);
    };
    int64_t j = 0;
    for (; j + lanes <= q.n; j += lanes)
      write(
          j, [](const T* x) { return load(x); }, [](T* x, Vec<T> v) { store(x, v); });
    if (const int64_t left_over = q.n - j)
      write(
          j, [=](const T* x) { return load(x, left_over); },
          [=](T* x, Vec<T> v) { store(x, v, left_over); });
  }
}

template <class T>
void gemm(const Problem<T>& q) {
  const Epilogue<T>& e = q.epilogue;
  if (q.k == 1 && (!q.trans_b || q.ldb == 1) && !e.row_bias && !e.column_bias && !e.relu)
    gemm_outer(q);
  else if (q.trans_b && !q.trans_a && q.k >= Vec<T>::lanes && q.m <= most_dot_rows)
    gemm_dots(q);
  else
    gemm_blocked(q);
}

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using ConstView = Eigen::Map<const Matrix, Eigen::Unaligned, Eigen::OuterStride<>>;
using View = Eigen::Map<Matrix, Eigen::Unaligned, Eigen::OuterStride<>>;

ConstView view(bool trans, int64_t rows, int64_t columns, const double* x, int64_t stride) {
  return {x, trans ? columns : rows, trans ? rows : columns, Eigen::OuterStride<>(stride)};
}

}  // namespace

// float64 is there for checking: Eigen's product serves it.
template <>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, double alpha,
          const double* a, int64_t lda, const double* b, int64_t ldb, double beta, double* c,
          int64_t ldc, const Epilogue<double>& epilogue) {
  if (m <= 0 || n <= 0) return;
  View out(c, m, n, Eigen::OuterStride<>(ldc));
  if (beta == 0)
    out.setZero();
  else
    out *= beta;
  const ConstView left = view(trans_a, m, k, a, lda), right = view(trans_b, k, n, b, ldb);
  if (trans_a && trans_b)
    out.noalias() += alpha * left.transpose() * right.transpose();
  else if (trans_a)
    out.noalias() += alpha * left.transpose() * right;
  else if (trans_b)
    out.noalias() += alpha * left * right.transpose();
  else
    out.noalias() += alpha * left * right;
  if (epilogue.row_bias) out.colwise() += Eigen::Map<const Eigen::VectorXd>(epilogue.row_bias, m);
  if (epilogue.column_bias)
    out.rowwise() += Eigen::Map<const Eigen::RowVectorXd>(epilogue.column_bias, n);
  if (epilogue.relu) out = (out.array() < 0).select(0, out);
}

// float32: Eigen's product reaches the same speed on large squares, but not on the small and
// skinny shapes of LeNet-5 (half of it at 6 x 784 x 25).
template <>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, float alpha, const float* a,
          int64_t lda, const float* b, int64_t ldb, float beta, float* c, int64_t ldc,
          const Epilogue<float>& epilogue) {
  if (m <= 0 || n <= 0) return;
  if (n == 1 && ldc == 1) {
    // A column is computed as a row: C^T = op(B)^T op(A)^T.
    gemm(Problem<float>{!trans_b && ldb != 1,
                        !trans_a,
                        1,
                        m,
                        k,
                        alpha,
                        b,
                        ldb,
                        a,
                        lda,
                        beta,
                        c,
                        m,
                        {.row_bias = epilogue.column_bias,
                         .column_bias = epilogue.row_bias,
                         .relu = epilogue.relu}});
    return;
  }
  gemm(Problem<float>{trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc, epilogue});
}

template <class T>
void parallel_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                   int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc,
                   const Epilogue<T>& epilogue) {
  if (m <= 0 || n <= 0) return;
  // A panel costs some hundred thousand multiplications at least, so that threads are worth waking.
  constexpr int64_t panel_work = int64_t(1) << 20, quantum = 4 * Vec<T>::lanes;
  const int64_t depth = k > 0 ? k : 1;
  if (n >= m) {
    const int64_t grain = ceil_div(ceil_div(panel_work, m * depth), quantum) * quantum;
    parallel_for(n, grain, [&](int64_t begin, int64_t end) {
      Epilogue<T> e = epilogue;
      if (e.column_bias) e.column_bias += begin;
      gemm(trans_a, trans_b, m, end - begin, k, alpha, a, lda, b + begin * (trans_b ? ldb : 1), ldb,
           beta, c + begin, ldc, e);
    });
  } else {
    const int64_t grain =
        ceil_div(ceil_div(panel_work, n * depth), 4 * max_tile_rows) * (4 * max_tile_rows);
    parallel_for(m, grain, [&](int64_t begin, int64_t end) {
      Epilogue<T> e = epilogue;
      if (e.row_bias) e.row_bias += begin;
      gemm(trans_a, trans_b, end - begin, n, k, alpha, a + begin * (trans_a ? 1 : lda), lda, b, ldb,
           beta, c + begin * ldc, ldc, e);
    });
  }
}

template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, float, const float*, int64_t,
                            const float*, int64_t, float, float*, int64_t, const Epilogue<float>&);
template void parallel_gemm(bool, bool, int64_t, int64_t, int64_t, double, const double*, int64_t,
                            const double*, int64_t, double, double*, int64_t,
                            const Epilogue<double>&);

}  // namespace hebb::cpu::HEBB_ISA
