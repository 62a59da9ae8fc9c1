#pragma once

#include <cstdint>

#include "core/options.hpp"

/// What kernels are told of the shapes of images: nothing but data.
namespace hebb {

class Shape;

/// Input [batch, channels, height, width], weight [filters, channels, kernel_h, kernel_w], output
/// [batch, filters, out_h, out_w].
struct ConvGeometry {
  int64_t batch, channels, height, width;
  int64_t filters, kernel_h, kernel_w;
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dilation_h = 1, dilation_w = 1;
  int64_t out_h, out_w;
};
/// How many networks a convolution's weight [O, C, KH, KW] or [R, O, C, KH, KW] is of.
int64_t conv_replicas(const Shape& weight);

/// Of one network, where shapes have an axis for replicas in front.
ConvGeometry conv_geometry(const Shape& x, const Shape& weight, const Shape& y,
                           const Conv2dOptions& options);

/// Replicas' images are images: [R, N, C, H, W] as [R N, C, H, W]; other shapes are what they are.
Shape all_images(const Shape& x);

/// planes = batch * channels; each [height, width] becomes [out_h, out_w].
struct PoolGeometry {
  int64_t planes, height, width;
  int64_t kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, dilation_h, dilation_w;
  bool count_include_pad;
  int64_t out_h, out_w;
};
PoolGeometry pool_geometry(const Shape& x, const Shape& y, const Pool2dOptions& options);

/// x [batch, channels, ...] as planes: channel c of sample n begins at (n * channels + c) * size.
struct NormPlanes {
  int64_t batch, channels, size;
};
NormPlanes norm_planes(const Shape& x);

}  // namespace hebb
