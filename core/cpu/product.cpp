#include "core/cpu/cpu_backend.hpp"
#include "core/cpu/dispatch.hpp"
#include "core/cpu/gemm.hpp"
#include "core/cpu/occupied_columns.hpp"
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
bool sparse_linear(int64_t rows, int64_t inputs, int64_t outputs, const float* x,
                   const float* weight, const float* bias, float* y) {
  if (!worth_a_look(rows, inputs, outputs)) return false;
  const OccupiedColumns columns(rows, inputs, x);
  if (!few(columns, inputs)) return false;
  const int64_t stride = columns.stride();
  const Scratch<float> left(rows * stride);
  columns.pack(rows, x, left.data());
  parallel_for(outputs, 64, [&](int64_t begin, int64_t end) {
    const Scratch<float> right((end - begin) * stride);
    columns.pack(end - begin, weight + begin * inputs, right.data());
    gemm<float>(false, true, rows, end - begin, columns.count(), 1, left.data(), stride,
                right.data(), stride, 0, y + begin, outputs,
                {.column_bias = bias ? bias + begin : nullptr});
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
