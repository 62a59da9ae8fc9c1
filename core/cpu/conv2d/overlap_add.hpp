#pragma once

#include "core/cpu/kernels.hpp"

/// Inputs' gradients of convolutions of stride 1 on small planes, where the zeros around the
/// outputs' gradients would cost a direct convolution as much as they do. Lanes are a kernel's row
/// of all channels: each output position adds such a row to the input's positions below it.
namespace hebb::cpu::HEBB_ISA {

/// Whether this is less work than a convolution of the padded outputs' gradients.
bool overlap_add_pays(const ConvGeometry& g);

void overlap_add_backward_input(const ConvGeometry& g, const float* dy, const float* w, float* dx);

}  // namespace hebb::cpu::HEBB_ISA
