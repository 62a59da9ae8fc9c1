#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions of numbers rounded to bfloat16, with sums in float32, on AMX's tiles: for v4 on a
/// machine that has them, and for every geometry.
namespace hebb::cpu::HEBB_ISA {

/// Whether it is faster than what float32 has: tiles are of 16 filters and 32 channels.
bool bfloat16_pays(const ConvGeometry& g);

void bfloat16_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                      float* y);
void bfloat16_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx);
void bfloat16_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                              float* db);

}  // namespace hebb::cpu::HEBB_ISA
