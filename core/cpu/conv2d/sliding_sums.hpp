#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions of stride 1 to one filter, as inputs' gradients of images of one channel are. A
/// product would load a vector for each multiplication; here each row of the input is read once for
/// all rows of the kernel, and the sums of the output's rows that it meets stay in registers.
namespace hebb::cpu::HEBB_ISA {

/// Whether there is code for the kernel, and enough rows of it to share what is loaded.
bool sliding_sums_pay(const ConvGeometry& g);

/// y = x * w + bias (cross-correlation) for any number of filters; bias [filters] may be null.
void sliding_sums_forward(const ConvGeometry& g, const float* x, const float* w, const float* bias,
                          float* y);

}  // namespace hebb::cpu::HEBB_ISA
