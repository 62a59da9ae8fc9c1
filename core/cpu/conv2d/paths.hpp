#pragma once

#include <cstdint>

namespace hebb::cpu::HEBB_ISA {

/// Input [batch, channels, height, width], weight [filters, channels, kernel_h, kernel_w], output
/// [batch, filters, out_h, out_w].
struct ConvGeometry {
  int64_t batch, channels, height, width;
  int64_t filters, kernel_h, kernel_w;
  int64_t stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  int64_t out_h, out_w;
};

enum class ConvDirection { forward, backward_input, backward_weight };
/// im2col: tiles of the unfolded input times the weight matrix, for every geometry.
/// direct: the padded image itself is the operand, for stride 1, dilation 1 and small kernels.
enum class ConvPath { automatic, im2col, direct };

/// Whether the direct path can compute the geometry.
bool direct_applies(const ConvGeometry& g);
/// The faster path for float32.
ConvPath choose_path(ConvDirection direction, const ConvGeometry& g);

/// y = x * w + bias (cross-correlation); bias [filters] may be null.
template <class T>
void conv2d_forward(const ConvGeometry& g, const T* x, const T* w, const T* bias, T* y,
                    ConvPath path = ConvPath::automatic);
/// dx = the gradient with respect to x; written, not added to.
template <class T>
void conv2d_backward_input(const ConvGeometry& g, const T* dy, const T* w, T* dx,
                           ConvPath path = ConvPath::automatic);
/// dw and db = the gradients with respect to w and bias; written, not added to. db may be null.
template <class T>
void conv2d_backward_weight(const ConvGeometry& g, const T* x, const T* dy, T* dw, T* db,
                            ConvPath path = ConvPath::automatic);

}  // namespace hebb::cpu::HEBB_ISA
