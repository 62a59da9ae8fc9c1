#pragma once

#include "core/cpu/gemm/gemm.hpp"
#include "core/cpu/gemm/kernel.hpp"

/// How the products of convolutions are cut where they pack no factor.
namespace hebb::cpu::HEBB_ISA {

inline constexpr int64_t panel = 2 * Vec<float>::lanes;
/// Of a panel that the first-level cache holds.
inline constexpr int64_t most_depth = 256;
/// Floats of a cache line.
inline constexpr int64_t line = 16;
/// Elements that the second-level cache holds.
inline constexpr int64_t second_level = int64_t(1) << 17;

/// Asks for memory that is about to be read, or written, where the processor does not foresee it.
/// `locality` is 3 for the first-level cache and 2 for the second.
template <int write, int locality = 3>
void prefetch_row(const float* from, int64_t length) {
  for (int64_t i = 0; i < length; i += line) __builtin_prefetch(from + i, write, locality);
}

/// C = A B + biases: one of the blocks of rows, for one of the parts of the depth, in their order.
/// Neither A nor B may be transposed.
template <class T>
void multiply_part(const Product<T>& p, int64_t block, int64_t blocks, int64_t part,
                   int64_t parts) {
  const int64_t i = p.m * block / blocks, k = p.k * part / parts;
  gemm_rows(p.m * (block + 1) / blocks - i, p.n, p.k * (part + 1) / parts - k,
            RowMajor<T>{p.a.data + i * p.a.stride + k, p.a.stride},
            StridedRows<T>{p.b.data + k * p.b.stride, p.b.stride},
            TileOutput<T>{.c = p.c + i * p.c_stride,
                          .stride = p.c_stride,
                          .beta = part == 0 ? T(0) : T(1),
                          .row_bias = part == 0 && p.row_bias ? p.row_bias + i : nullptr});
}

}  // namespace hebb::cpu::HEBB_ISA
