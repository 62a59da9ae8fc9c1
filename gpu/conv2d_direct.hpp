#pragma once

#include "core/geometry.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

/// What the kernels for small images share. A block copies a few images to shared memory, with the
/// zeros around them, and its threads slide down columns of pixels: a pixel that is read once meets
/// four filters and all of its rows.
namespace hebb::cuda {

inline constexpr int64_t shared_bytes = 48 * 1024;  // what every GPU gives a block

HEBB_HOST_DEVICE inline int64_t fewer(int64_t a, int64_t b) { return a < b ? a : b; }
HEBB_HOST_DEVICE inline int up(int n, int unit) { return (n + unit - 1) / unit * unit; }

/// Images for a block, of the `fit` that it has room for, when `blocks` do the parts of one: as few
/// as give the largest GPUs work.
inline int images_for_block(int64_t batch, int64_t blocks, int64_t fit) {
  constexpr int64_t enough = 512;
  const int64_t wanted = (batch * blocks + enough - 1) / enough;
  return int(fewer(wanted < 1 ? 1 : wanted, fit));
}

/// Planes [height, width] that are read where they lie.
template <class T>
struct Plain {
  const T* x;
  HEBB_HOST_DEVICE wide_t<T> at(int64_t plane, int row, int column, int height, int width) const {
    return wide(x[(plane * height + row) * width + column]);
  }
};

/// The gradients of planes of which a pooling with windows that do not overlap is there.
template <class T>
struct Pooled {
  OutputGradient<T> of;
  HEBB_HOST_DEVICE wide_t<T> at(int64_t plane, int row, int column, int, int width) const {
    const int oy = row / of.kernel_h, ox = column / of.kernel_w;
    if (oy >= of.out_h || ox >= of.out_w) return 0;
    const int64_t i = (plane * of.out_h + oy) * of.out_w + ox;
    const bool passed = of.argmax[i] == row * width + column;
    return passed && !(of.values && wide(of.values[i]) <= 0) ? wide(of.dy[i]) : 0;
  }
};

/// function(source) with what reads an output's gradient.
template <class T, class Function>
void with_source(const OutputGradient<T>& dy, const Function& function) {
  if (dy.argmax)
    function(Pooled<T>{dy});
  else
    function(Plain<T>{dy.dy});
}

/// Images [channels, height, width], and as they lie in shared memory: [channels, rows, columns],
/// of which the first pixel is pad_h and pad_w from their corner.
struct Planes {
  int channels, height, width, pad_h, pad_w, rows, columns;

  HEBB_HOST_DEVICE int size() const { return channels * rows * columns; }
  template <class T, class Source>
  HEBB_HOST_DEVICE void load(const Thread& t, int64_t first, int images, const Source& source,
                             T* shared) const {
    for (int i = t.index; i < images * size(); i += t.count) {
      const int column = i % columns - pad_w, row = i / columns % rows - pad_h;
      const int64_t plane = first * channels + i / (columns * rows);
      const bool inside = row >= 0 && row < height && column >= 0 && column < width;
      shared[i] = inside ? source.at(plane, row, column, height, width) : T(0);
    }
  }
};

/// Whether a block has room for an image's part of the weight's gradient.
template <class T>
bool weight_gradient_fits(const ConvGeometry& g);

}  // namespace hebb::cuda
