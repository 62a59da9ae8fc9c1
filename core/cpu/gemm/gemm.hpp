#pragma once

#include "core/cpu/kernels.hpp"

namespace hebb::cpu::HEBB_ISA {

/// Computes a product on the calling thread alone.
template <class T>
void gemm(const Product<T>& product);
template <>
void gemm(const Product<float>& product);
template <>
void gemm(const Product<double>& product);

/// The same on several threads. C is cut into panels whose size depends on m, n and k alone.
template <class T>
void parallel_gemm(const Product<T>& product);

}  // namespace hebb::cpu::HEBB_ISA
