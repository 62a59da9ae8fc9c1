#pragma once

#include "core/cpu/gemm/gemm.hpp"

namespace hebb::cpu::HEBB_ISA {

/// A Bᵀ of few rows of A, at most `most_dot_rows`, and k of a vector at least.
constexpr int64_t most_dot_rows = 12;
void gemm_dots(const Product<float>& q);

}  // namespace hebb::cpu::HEBB_ISA
