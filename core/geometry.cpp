#include "core/geometry.hpp"

#include "core/shape.hpp"

namespace hebb {

int64_t conv_replicas(const Shape& weight) { return weight.rank() == 5 ? weight[0] : 1; }

ConvGeometry conv_geometry(const Shape& x, const Shape& weight, const Shape& y,
                           const Conv2dOptions& o) {
  return {.batch = x[-4],
          .channels = x[-3],
          .height = x[-2],
          .width = x[-1],
          .filters = weight[-4],
          .kernel_h = weight[-2],
          .kernel_w = weight[-1],
          .stride_h = o.stride_h,
          .stride_w = o.stride_w,
          .pad_h = o.pad_h,
          .pad_w = o.pad_w,
          .dilation_h = o.dilation_h,
          .dilation_w = o.dilation_w,
          .out_h = y[-2],
          .out_w = y[-1]};
}

Shape all_images(const Shape& x) {
  return x.rank() == 5 ? Shape{x[0] * x[1], x[2], x[3], x[4]} : x;
}

PoolGeometry pool_geometry(const Shape& x, const Shape& y, const Pool2dOptions& o) {
  return {.planes = x[0] * x[1],
          .height = x[2],
          .width = x[3],
          .kernel_h = o.kernel_h,
          .kernel_w = o.kernel_w,
          .stride_h = o.stride_h,
          .stride_w = o.stride_w,
          .pad_h = o.pad_h,
          .pad_w = o.pad_w,
          .dilation_h = o.dilation_h,
          .dilation_w = o.dilation_w,
          .count_include_pad = o.count_include_pad,
          .out_h = y[2],
          .out_w = y[3]};
}

NormPlanes norm_planes(const Shape& x) {
  return {.batch = x[0], .channels = x[1], .size = x.product(2, x.rank())};
}

}  // namespace hebb
