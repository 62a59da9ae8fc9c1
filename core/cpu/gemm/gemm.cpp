#include "core/cpu/gemm/gemm.hpp"

#include "core/cpu/gemm/dots.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/scratch.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

constexpr int64_t k_block = 400, block_elements = 1 << 14;

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

/// Blocks of B that the second-level cache holds, in panels that the first-level cache holds while
/// the rows of A pass by.
template <class T>
void gemm_blocked(const Product<T>& q) {
  constexpr int64_t lanes = Vec<T>::lanes;
  const int64_t row_blocks = ceil_div(q.m, max_tile_rows);
  const auto first_row = [&](int64_t block) { return q.m * block / row_blocks; };
  const int64_t k_blocks = larger(1, ceil_div(q.k, k_block));
  const int64_t depth_max = ceil_div(q.k, k_blocks);
  const int64_t panel = tile_vectors(ceil_div(q.m, row_blocks)) * lanes;
  const bool pack_a = q.n >= 4 * panel && q.k >= 2 * lanes;
  const bool pack_b = q.b.transposed || (row_blocks > 3 && q.k >= 2 * lanes);
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
    const T* a = q.a.data + p * (q.a.transposed ? q.a.stride : 1);
    if (pack_a)
      for (int64_t block = 0; block < row_blocks; ++block) {
        const int64_t i = first_row(block), rows = first_row(block + 1) - i;
        T* to = packed_a.data() + block * max_tile_rows * depth_max;
        if (q.a.transposed)
          for (int64_t d = 0; d < depth; ++d)
            copy_row(rows, a + d * q.a.stride + i, to + d * max_tile_rows);
        else
          transpose_copy(rows, depth, a + i * q.a.stride, q.a.stride, to, max_tile_rows);
      }
    for (int64_t from = 0; from < q.n; from += block_columns) {
      const int64_t to = smaller(q.n, from + block_columns);
      const T* b = q.b.data + (q.b.transposed ? from * q.b.stride + p : p * q.b.stride + from);
      if (pack_b)
        pack_columns(q.b.transposed, depth, to - from, panel, b, q.b.stride, packed_b.data());
      for (int64_t j = from; j < to; j += step) {
        const int64_t width = smaller(step, to - j);
        const StridedRows<T> right =
            pack_b ? StridedRows<T>{packed_b.data() + (j - from) * depth, panel}
                   : StridedRows<T>{b + (j - from), q.b.stride};
        for (int64_t block = 0; block < row_blocks; ++block) {
          const int64_t i = first_row(block), rows = first_row(block + 1) - i;
          const TileOutput<T> out = {
              .c = q.c + i * q.c_stride + j,
              .stride = q.c_stride,
              .alpha = q.alpha,
              .beta = kb == 0 ? q.beta : T(1),
              .row_bias = last && q.row_bias ? q.row_bias + i : nullptr,
              .column_bias = last && q.column_bias ? q.column_bias + j : nullptr};
          if (pack_a)
            gemm_rows(
                rows, width, depth,
                ColumnMajor<T>{packed_a.data() + block * max_tile_rows * depth_max, max_tile_rows},
                right, out);
          else if (q.a.transposed)
            gemm_rows(rows, width, depth, ColumnMajor<T>{a + i, q.a.stride}, right, out);
          else
            gemm_rows(rows, width, depth, RowMajor<T>{a + i * q.a.stride, q.a.stride}, right, out);
        }
      }
    }
  }
}

/// A column times a row.
template <class T>
void gemm_outer(const Product<T>& q) {
  constexpr int64_t lanes = Vec<T>::lanes;
  for (int64_t i = 0; i < q.m; ++i) {
    const Vec<T> left = q.alpha * q.a.data[q.a.transposed ? i : i * q.a.stride];
    T* c = q.c + i * q.c_stride;
    const auto write = [&](int64_t j, auto read, auto put) {
      Vec<T> x = left * read(q.b.data + j);
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

}  // namespace

// float32: Eigen's product reaches the same speed on large squares, but not on the small and
// skinny shapes of LeNet-5 (half of it at 6 x 784 x 25).
template <>
void gemm(const Product<float>& product) {
  if (product.m <= 0 || product.n <= 0) return;
  Product<float> q = product;
  if (q.n == 1 && q.c_stride == 1) {
    // A column is computed as a row: Cᵀ = Bᵀ Aᵀ.
    q.m = 1;
    q.n = product.m;
    q.a = {product.b.data, product.b.stride, !product.b.transposed && product.b.stride != 1};
    q.b = {product.a.data, product.a.stride, !product.a.transposed};
    q.c_stride = q.n;
    q.row_bias = product.column_bias;
    q.column_bias = product.row_bias;
  }
  if (q.k == 1 && (!q.b.transposed || q.b.stride == 1) && !q.row_bias && !q.column_bias)
    gemm_outer(q);
  else if (q.b.transposed && !q.a.transposed && q.k >= Vec<float>::lanes && q.m <= most_dot_rows)
    gemm_dots(q);
  else
    gemm_blocked(q);
}

template <class T>
void parallel_gemm(const Product<T>& product) {
  const int64_t m = product.m, n = product.n;
  if (m <= 0 || n <= 0) return;
  // A panel costs some hundred thousand multiplications at least, so that threads are worth waking.
  constexpr int64_t panel_work = int64_t(1) << 19, column_quantum = 4 * Vec<T>::lanes,
                    row_quantum = max_tile_rows;
  const int64_t panels = ceil_div(m * n * larger(1, product.k), panel_work);
  const auto extent_of_panel = [&](int64_t extent, int64_t quantum) {
    return ceil_div(ceil_div(extent, panels), quantum) * quantum;
  };
  if (n >= m) {
    parallel_for(n, extent_of_panel(n, column_quantum), [&](int64_t begin, int64_t end) {
      Product<T> q = product;
      q.n = end - begin;
      q.b.data += begin * (q.b.transposed ? q.b.stride : 1);
      q.c += begin;
      if (q.column_bias) q.column_bias += begin;
      gemm(q);
    });
  } else {
    const int64_t least = 4 * row_quantum;  // or B is packed for too few
    parallel_for(m, larger(least, extent_of_panel(m, row_quantum)),
                 [&](int64_t begin, int64_t end) {
                   Product<T> q = product;
                   q.m = end - begin;
                   q.a.data += begin * (q.a.transposed ? 1 : q.a.stride);
                   q.c += begin * q.c_stride;
                   if (q.row_bias) q.row_bias += begin;
                   gemm(q);
                 });
  }
}

template void parallel_gemm(const Product<float>&);
#if HEBB_FLOAT64
template void parallel_gemm(const Product<double>&);
#endif

}  // namespace hebb::cpu::HEBB_ISA
