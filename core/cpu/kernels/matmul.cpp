#include "core/cpu/gemm/bfloat16.hpp"
#include "core/cpu/gemm/gemm.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/gemm/occupied_columns.hpp"
#include "core/cpu/kernels/table.hpp"
#include "core/cpu/simd/copy.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

// Whether looking for zero columns costs nothing beside the product.
bool worth_a_look(int64_t rows, int64_t columns, int64_t outputs) {
  return rows >= 16 && columns >= 256 && outputs >= 64;
}

// Whether leaving them out is worth the copies.
bool few(const OccupiedColumns& columns, int64_t all) { return columns.count() <= all - all / 8; }

// A weightᵀ + bias without the zero columns of A [rows, inputs]; false where that does not pay.
// Computed as weight Aᵀ, whose left side is read where it lies: the weight, of which there is more
// than of A, is not copied.
bool sparse_linear(const Product<float>& q) {
  constexpr int64_t panel = tile_vectors(max_tile_rows) * Vec<float>::lanes;
  const int64_t rows = q.m, inputs = q.k, outputs = q.n;
  if (!worth_a_look(rows, inputs, outputs)) return false;
  const OccupiedColumns columns(rows, inputs, q.a.data);
  if (!few(columns, inputs)) return false;
  const int64_t depth = columns.count(), stride = columns.stride();
  const Scratch<float> right(ceil_div(rows, panel) * panel * depth);
  {
    const Scratch<float> packed(rows * stride);
    columns.pack(rows, q.a.data, packed.data());
    for (int64_t j = 0; j < rows; j += panel)
      transpose_copy(smaller(panel, rows - j), depth, packed.data() + j * stride, stride,
                     right.data() + j * depth, panel);
  }
  parallel_for(outputs, int64_t{4} * max_tile_rows, [&](int64_t begin, int64_t end) {
    float tile[max_tile_rows * panel];
    for (int64_t i = begin; i < end; i += max_tile_rows)
      for (int64_t j = 0; j < rows; j += panel) {
        const int64_t height = smaller(max_tile_rows, end - i), width = smaller(panel, rows - j);
        gemm_rows(height, width, depth,
                  Gathered<float>{q.b.data + i * inputs, inputs, columns.index()},
                  StridedRows<float>{right.data() + j * depth, panel},
                  TileOutput<float>{.c = tile,
                                    .stride = panel,
                                    .row_bias = q.column_bias ? q.column_bias + i : nullptr});
        transpose_copy(height, width, tile, panel, q.c + j * outputs + i, outputs);
      }
  });
  return true;
}

// A B without the zero columns of B; false where that does not pay.
bool sparse_product(const Product<float>& q) {
  if (!worth_a_look(q.k, q.n, q.m)) return false;
  const OccupiedColumns columns(q.k, q.n, q.b.data);
  if (!few(columns, q.n)) return false;
  const int64_t stride = columns.stride();
  const Scratch<float> right(q.k * stride);
  columns.pack(q.k, q.b.data, right.data());
  parallel_for(q.m, 36, [&](int64_t begin, int64_t end) {
    const Scratch<float> product((end - begin) * stride);
    const int64_t row = q.a.transposed ? 1 : q.a.stride;
    gemm<float>({.m = end - begin,
                 .n = columns.count(),
                 .k = q.k,
                 .a = {q.a.data + begin * row, q.a.stride, q.a.transposed},
                 .b = {right.data(), stride},
                 .c = product.data(),
                 .c_stride = stride});
    columns.unpack(end - begin, product.data(), q.c + begin * q.n);
  });
  return true;
}

template <class T>
void matmul(const Product<T>& q) {
  if constexpr (std::is_same_v<T, float>)
    if (!q.b.transposed && sparse_product(q)) return;
  parallel_gemm(q);
}

template <class T>
void linear(const Product<T>& q) {
  if constexpr (std::is_same_v<T, float>)
    if (sparse_linear(q)) return;
  parallel_gemm(q);
}

}  // namespace

template <class T>
MatmulKernels<T> matmul_kernels() {
  MatmulKernels<T> kernels{.matmul = matmul<T>, .linear = linear<T>, .bfloat16 = nullptr};
#if HEBB_AMX
  if constexpr (std::is_same_v<T, float>) kernels.bfloat16 = bfloat16_gemm;
#endif
  return kernels;
}

template MatmulKernels<float> matmul_kernels();
#if HEBB_FLOAT64
template MatmulKernels<double> matmul_kernels();
#endif

}  // namespace hebb::cpu::HEBB_ISA
