#pragma once

#include "core/cpu/kernels.hpp"

/// Convolutions of every geometry: tiles of the unfolded input times the weight matrix.
namespace hebb::cpu::HEBB_ISA {

template <class T>
void im2col_forward(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y);
template <class T>
void im2col_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx);
template <class T>
void im2col_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw, T* db);

}  // namespace hebb::cpu::HEBB_ISA
