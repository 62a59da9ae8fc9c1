#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions of planes in bfloat16, for v4 on a machine that has the unit.
namespace hebb::cpu::HEBB_ISA {

/// im2col, which is none of those below, where float32 and two conversions are faster.
ConvPath bfloat16_planes_path(ConvPolicy policy, Bfloat16Unit unit, ConvDirection direction,
                              const ConvGeometry& g);
void bfloat16_planes(ConvPath path, const ConvGeometry& g, const Bfloat16* x, const float* w,
                     const float* bias, Bfloat16* y);
void bfloat16_planes_backward_input(ConvPath path, const ConvGeometry& g, const Bfloat16* dy,
                                    const float* w, Bfloat16* dx);
void bfloat16_planes_backward_weight(ConvPath path, const ConvGeometry& g, const Bfloat16* x,
                                     const Bfloat16* dy, float* dw, float* db);

}  // namespace hebb::cpu::HEBB_ISA
