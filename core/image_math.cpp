#include "core/image_math.hpp"

#include <algorithm>
#include <cstring>

namespace hebb {

void normalize_image(float* image, const ImageExtents& extents, const float* mean,
                     const float* deviation) {
  const int64_t plane = extents.height * extents.width;
  for (int64_t c = 0; c < extents.channels; ++c, image += plane)
    for (int64_t i = 0; i < plane; ++i) image[i] = normalized(image[i], mean[c], deviation[c]);
}

static void shift_plane(float* plane, int64_t height, int64_t width, const ImageMove& move,
                        float fill) {
  const auto [dy, dx, mirrored] = move;
  const int64_t first = std::clamp<int64_t>(-dx, 0, width);
  const int64_t last = std::clamp<int64_t>(width - dx, 0, width);
  for (int64_t i = 0; i < height; ++i) {
    // Rows move up for dy > 0 and down for dy < 0: none is overwritten before it is read.
    const int64_t y = dy > 0 ? i : height - 1 - i;
    float* const row = plane + y * width;
    if (y + dy < 0 || y + dy >= height || first >= last) {
      std::fill_n(row, width, fill);
      continue;
    }
    std::memmove(row + first, row + dy * width + first + dx, size_t(last - first) * sizeof(float));
    std::fill(row, row + first, fill);
    std::fill(row + last, row + width, fill);
  }
}

void move_image(float* image, const ImageExtents& extents, const ImageMove& move, float fill) {
  const auto [channels, height, width] = extents;
  if (move.dy != 0 || move.dx != 0)
    for (int64_t c = 0; c < channels; ++c)
      shift_plane(image + c * height * width, height, width, move, fill);
  if (move.mirrored)
    for (int64_t row = 0; row < channels * height; ++row)
      std::reverse(image + row * width, image + (row + 1) * width);
}

}  // namespace hebb
