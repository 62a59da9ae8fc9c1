#pragma once

#include "core/geometry.hpp"
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

/// Images [channels, height, width], and as they lie in shared memory: [channels, rows, columns],
/// of which the first pixel is pad_h and pad_w from their corner.
struct Planes {
  int channels, height, width, pad_h, pad_w, rows, columns;

  HEBB_HOST_DEVICE int size() const { return channels * rows * columns; }
  template <class T>
  HEBB_HOST_DEVICE void load(const Thread& t, int64_t first, int images, const T* x,
                             T* shared) const {
    for (int i = t.index; i < images * size(); i += t.count) {
      const int column = i % columns - pad_w, row = i / columns % rows - pad_h;
      const int64_t plane = first * channels + i / (columns * rows);
      const bool inside = row >= 0 && row < height && column >= 0 && column < width;
      shared[i] = inside ? x[(plane * height + row) * width + column] : T(0);
    }
  }
};

/// Whether a block has room for an image's part of the weight's gradient.
template <class T>
bool weight_gradient_fits(const ConvGeometry& g);

}  // namespace hebb::cuda
