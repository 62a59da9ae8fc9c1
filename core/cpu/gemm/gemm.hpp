#pragma once

#include <cstdint>

namespace hebb::cpu::HEBB_ISA {

/// What happens to an element of the product just before it is stored.
template <class T>
struct Epilogue {
  const T* row_bias = nullptr;     ///< [m], added to every element of its row
  const T* column_bias = nullptr;  ///< [n], added to every element of its column
  bool relu = false;               ///< negative results become zero, after the bias
};

/// C = alpha op(A) op(B) + beta C, then the epilogue. Row-major: op(A) is [m, k], op(B) [k, n],
/// C [m, n]; lda, ldb and ldc are the distances between rows as stored, before transposition.
/// C is not read when beta is 0. On the calling thread alone.
template <class T>
void gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
          int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc,
          const Epilogue<T>& epilogue = {});

/// The same on several threads. C is cut into panels whose size depends on m, n and k alone.
template <class T>
void parallel_gemm(bool trans_a, bool trans_b, int64_t m, int64_t n, int64_t k, T alpha, const T* a,
                   int64_t lda, const T* b, int64_t ldb, T beta, T* c, int64_t ldc,
                   const Epilogue<T>& epilogue = {});

}  // namespace hebb::cpu::HEBB_ISA
