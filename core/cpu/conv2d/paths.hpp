#pragma once

#include "core/cpu/kernels.hpp"

/// The ways to compute a convolution, and the choice between them for each direction.
namespace hebb::cpu::HEBB_ISA {

/// The fastest path of those that can compute the geometry and that the policy allows; with a unit,
/// factors may be rounded to bfloat16.
template <class T>
ConvPath choose_path(ConvPolicy policy, Bfloat16Unit unit, ConvDirection direction,
                     const ConvGeometry& g);

/// Multiplications that make a piece of work worth a thread.
inline constexpr int64_t conv_piece_work = int64_t(1) << 19;

/// y = x * w + bias (cross-correlation); bias [filters] may be null.
template <class T>
void conv2d_forward(ConvPath path, const ConvGeometry& g, const T* x, const T* w, const T* bias,
                    T* y);
/// dx = the gradient with respect to x; written, not added to.
template <class T>
void conv2d_backward_input(ConvPath path, const ConvGeometry& g, const T* dy, const T* w, T* dx);
/// dw and db = the gradients with respect to w and bias; written, not added to. db may be null.
template <class T>
void conv2d_backward_weight(ConvPath path, const ConvGeometry& g, const T* x, const T* dy, T* dw,
                            T* db);

}  // namespace hebb::cpu::HEBB_ISA
