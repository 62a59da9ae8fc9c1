#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions of stride 1, dilation 1 and small kernels, whose right factor is the padded image
/// itself.
namespace hebb::cpu::HEBB_ISA {

/// Whether this path can compute the geometry.
bool direct_applies(const ConvGeometry& g);

void direct_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                    float* y);
void direct_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx);
void direct_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                            float* db);

}  // namespace hebb::cpu::HEBB_ISA
