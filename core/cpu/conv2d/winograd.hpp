#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions 3x3 by Winograd's minimal filtering F(m x m, 3 x 3), m = 2 or 4: fewer
/// multiplications by 2.25 or 4, and with 4 rounding errors that are larger by some bits. F(4 x 4)
/// has a form for stride 2, too, which saves 1.78.
namespace hebb::cpu::HEBB_ISA {

/// Whether this path can compute the geometry.
template <int m>
bool winograd_applies(const ConvGeometry& g);

/// Activations are of float or, with stride 1, Bfloat16.
template <int m, class E>
void winograd_forward(const ConvGeometry& g, const E* x, const float* w, const float* bias, E* y);
template <int m, class E>
void winograd_backward_input(const ConvGeometry& g, const E* dy, const float* w, E* dx);
template <int m, class E>
void winograd_backward_weight(const ConvGeometry& g, const E* x, const E* dy, float* dw, float* db);

}  // namespace hebb::cpu::HEBB_ISA
