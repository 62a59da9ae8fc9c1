#include "core/cpu/copy.hpp"
#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/gemm/gemm.hpp"
#include "core/cpu/gemm/kernel.hpp"
#include "core/cpu/gemm/occupied_columns.hpp"
#include "core/parallel.hpp"

namespace hebb::cpu::HEBB_ISA {
namespace {

// Whether looking for zero columns costs nothing beside the product.
bool worth_a_look(int64_t rows, int64_t columns, int64_t outputs) {
  return rows >= 16 && columns >= 256 && outputs >= 64;
}

// Whether leaving them out is worth the copies.
bool few(const OccupiedColumns& columns, int64_t all) { return columns.count() <= all - all / 8; }

// x weightᵀ + bias without the zero columns of x [rows, inputs]; false where that does not pay.
// Computed as weight xᵀ, whose left side is read where it lies: the weight, of which there is more
// than of x, is not copied.
bool sparse_linear(int64_t rows, int64_t inputs, int64_t outputs, const float* x,
                   const float* weight, const float* bias, float* y) {
  constexpr int64_t panel = tile_vectors(max_tile_rows) * Vec<float>::lanes;
  if (!worth_a_look(rows, inputs, outputs)) return false;
  const OccupiedColumns columns(rows, inputs, x);
  if (!few(columns, inputs)) return false;
  const int64_t depth = columns.count(), stride = columns.stride();
  const Scratch<float> right(ceil_div(rows, panel) * panel * depth);
  {
    const Scratch<float> packed(rows * stride);
    columns.pack(rows, x, packed.data());
    for (int64_t j = 0; j < rows; j += panel)
      transpose_copy(smaller(panel, rows - j), depth, packed.data() + j * stride, stride,
                     right.data() + j * depth, panel);
  }
  parallel_for(outputs, 4 * max_tile_rows, [&](int64_t begin, int64_t end) {
    float tile[max_tile_rows * panel];
    for (int64_t i = begin; i < end; i += max_tile_rows)
      for (int64_t j = 0; j < rows; j += panel) {
        const int64_t height = smaller(max_tile_rows, end - i), width = smaller(panel, rows - j);
        gemm_rows(height, width, depth,
                  GatheredRows<float>{weight + i * inputs, inputs, columns.index()},
                  StridedRows<float>{right.data() + j * depth, panel},
                  TileOutput<float>{tile, panel, 1, 0, bias ? bias + i : nullptr, nullptr, false});
        transpose_copy(height, width, tile, panel, y + j * outputs + i, outputs);
      }
  });
  return true;
}

// a b without the zero columns of b [k, n]; false where that does not pay.
bool sparse_product(bool transpose_a, int64_t m, int64_t n, int64_t k, const float* a, int64_t lda,
                    const float* b, float* y) {
  if (!worth_a_look(k, n, m)) return false;
  const OccupiedColumns columns(k, n, b);
  if (!few(columns, n)) return false;
  const int64_t stride = columns.stride();
  const Scratch<float> right(k * stride);
  columns.pack(k, b, right.data());
  parallel_for(m, 36, [&](int64_t begin, int64_t end) {
    const Scratch<float> product((end - begin) * stride);
    gemm<float>(transpose_a, false, end - begin, columns.count(), k, 1,
                a + begin * (transpose_a ? 1 : lda), lda, right.data(), stride, 0, product.data(),
                stride);
    columns.unpack(end - begin, product.data(), y + begin * n);
  });
  return true;
}

}  // namespace

Tensor CpuBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b) {
  const int64_t m = a.size(transpose_a ? 1 : 0), k = a.size(transpose_a ? 0 : 1);
  const int64_t n = b.size(transpose_b ? 0 : 1);
  const Tensor y = Tensor::empty({m, n}, a.options());
  dispatch_floating(a.dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, float>)
      if (!transpose_b && sparse_product(transpose_a, m, n, k, data_of<T>(a), a.size(1),
                                         data_of<T>(b), data_of<T>(y)))
        return;
    parallel_gemm<T>(transpose_a, transpose_b, m, n, k, T(1), data_of<T>(a), a.size(1),
                     data_of<T>(b), b.size(1), T(0), data_of<T>(y), n);
  });
  return y;
}

Tensor CpuBackend::linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t rows = x.size(0), inputs = x.size(1), outputs = weight.size(0);
  const Tensor y = Tensor::empty({rows, outputs}, x.options());
  dispatch_floating(x.dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, float>)
      if (sparse_linear(rows, inputs, outputs, data_of<T>(x), data_of<T>(weight),
                        data_or_null<T>(bias), data_of<T>(y)))
        return;
    parallel_gemm<T>(false, true, rows, outputs, inputs, T(1), data_of<T>(x), inputs,
                     data_of<T>(weight), inputs, T(0), data_of<T>(y), outputs,
                     {.column_bias = data_or_null<T>(bias)});
  });
  return y;
}

}  // namespace hebb::cpu::HEBB_ISA
