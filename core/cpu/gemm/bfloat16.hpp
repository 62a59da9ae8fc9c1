#pragma once

#include "core/cpu/kernels.hpp"

namespace hebb::cpu::HEBB_ISA {

/// A product of factors rounded to bfloat16, with sums in float32, on several threads: for v4 on a
/// machine that has the unit.
void bfloat16_gemm(Bfloat16Unit unit, const Product<float>& product);

}  // namespace hebb::cpu::HEBB_ISA
