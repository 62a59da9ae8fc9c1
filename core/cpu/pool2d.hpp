#pragma once

#include <cstdint>

namespace hebb::cpu::HEBB_ISA {

/// planes = batch * channels; each [height, width] becomes [out_h, out_w].
struct PoolGeometry {
  int64_t planes, height, width;
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w;
  int64_t out_h, out_w;
};

/// y = the largest of each window and argmax = where it stands in the input plane (y * width + x).
/// The first in row-major order wins a tie; a NaN wins against every number. A window that lies
/// wholly in the padding gives -infinity and -1. argmax may be null.
template <class T>
void max_pool2d_forward(const PoolGeometry& g, const T* x, T* y, int32_t* argmax);
/// dx = dy added up at the positions of argmax; written, not added to.
template <class T>
void max_pool2d_backward(const PoolGeometry& g, const T* dy, const int32_t* argmax, T* dx);

/// The mean of each window. With count_include_pad the divisor counts padded positions (not those
/// that lie behind the padding), otherwise only those of the input.
template <class T>
void avg_pool2d_forward(const PoolGeometry& g, const T* x, T* y, bool count_include_pad = true);
/// dx written, not added to.
template <class T>
void avg_pool2d_backward(const PoolGeometry& g, const T* dy, T* dx, bool count_include_pad = true);

}  // namespace hebb::cpu::HEBB_ISA
