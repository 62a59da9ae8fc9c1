#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions with 1x1 kernels, which are products over channels: the positions of all images are
/// the columns of one matrix, of which panels are gathered at a time.
namespace hebb::cpu::HEBB_ISA {

/// Whether this path can compute the geometry.
bool pointwise_applies(const ConvGeometry& g);

void pointwise_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                       float* y);
void pointwise_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx);
void pointwise_backward_weight(const ConvGeometry& g, const float* x, const float* dy, float* dw,
                               float* db);

}  // namespace hebb::cpu::HEBB_ISA
