#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions of numbers rounded to bfloat16, with sums in float32: for v4 on a machine that has
/// the unit, and for every geometry.
namespace hebb::cpu::HEBB_ISA {

/// Whether it is faster than the other path, which is float32's. AVX512-BF16 multiplies twice as
/// fast as that: Winograd's algorithms of stride 1 have fewer products than half, and to the
/// inputs' gradient of 1x1 memory matters as much. AMX is faster wherever tiles are filled.
bool bfloat16_pays(Bfloat16Unit unit, ConvDirection direction, ConvPath other,
                   const ConvGeometry& g);

/// Activations are of float or Bfloat16.
template <class E>
void bfloat16_forward(Bfloat16Unit unit, const ConvGeometry& g, const E* x, const float* w,
                      const float* bias, E* y);
template <class E>
void bfloat16_backward_input(Bfloat16Unit unit, const ConvGeometry& g, const E* dy, const float* w,
                             E* dx);
template <class E>
void bfloat16_backward_weight(Bfloat16Unit unit, const ConvGeometry& g, const E* x, const E* dy,
                              float* dw, float* db);

}  // namespace hebb::cpu::HEBB_ISA
