#pragma once

#include <cmath>

#include "core/geometry.hpp"
#include "core/host_device.hpp"
#include "gpu/element.hpp"

/// Windows of pooling, for kernels.
namespace hebb::cuda {

HEBB_HOST_DEVICE inline int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

HEBB_HOST_DEVICE inline int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// begin, begin + step, ... below end.
struct Range {
  int64_t begin, end, step;
  HEBB_HOST_DEVICE int64_t count() const { return begin < end ? ceil_div(end - begin, step) : 0; }
};

/// The positions of a window that lie inside the input.
HEBB_HOST_DEVICE inline Range window(int64_t out, int64_t kernel, int64_t stride, int64_t pad,
                                     int64_t dilation, int64_t size) {
  const int64_t begin = out * stride - pad;
  return {begin < 0 ? begin + ceil_div(-begin, dilation) * dilation : begin,
          smaller(size, begin + (kernel - 1) * dilation + 1), dilation};
}
HEBB_HOST_DEVICE inline Range window_rows(const PoolGeometry& g, int64_t oy) {
  return window(oy, g.kernel_h, g.stride_h, g.pad_h, g.dilation_h, g.height);
}
HEBB_HOST_DEVICE inline Range window_columns(const PoolGeometry& g, int64_t ox) {
  return window(ox, g.kernel_w, g.stride_w, g.pad_w, g.dilation_w, g.width);
}

/// Images whose channels lie side by side are planes of `channels` numbers at each position;
/// others, of one. Element i of such planes of `height` rows, `width` wide:
struct PlaneElement {
  int64_t channel, column, row, plane;
};
HEBB_HOST_DEVICE inline PlaneElement plane_element(int64_t i, int64_t channels, int64_t height,
                                                   int64_t width) {
  const int64_t at = channels == 1 ? i : i / channels;
  return {channels == 1 ? 0 : i % channels, at % width, at / width % height, at / (width * height)};
}

/// The largest of a window and where it is in its plane: the first of equals, or the first NaN.
template <class T>
struct Largest {
  wide_t<T> value = wide_t<T>(-HUGE_VAL);
  int64_t where = -1;
};
template <class T>
HEBB_HOST_DEVICE inline Largest<T> largest(const PoolGeometry& g, const T* plane, int64_t oy,
                                           int64_t ox, int64_t channels = 1) {
  const Range rows = window_rows(g, oy);
  const Range columns = window_columns(g, ox);
  Largest<T> best;
  for (int64_t iy = rows.begin; iy < rows.end; iy += rows.step)
    for (int64_t ix = columns.begin; ix < columns.end; ix += columns.step) {
      const wide_t<T> value = wide(plane[(iy * g.width + ix) * channels]);
      if (best.where < 0 || value > best.value || (value != value && best.value == best.value))
        best = {value, iy * g.width + ix};
    }
  return best;
}

}  // namespace hebb::cuda
