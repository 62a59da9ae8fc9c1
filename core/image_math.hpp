#pragma once

#include <cstdint>

#include "core/host_device.hpp"
#include "core/options.hpp"
#include "core/random_fill.hpp"

/// Internal: how images become floats in a batch (ImageSteps in core/options.hpp), the same bits on
/// every device.
namespace hebb {

/// A byte divided by 255.
HEBB_HOST_DEVICE inline float unit_float(uint8_t byte) {
  // Correctly rounded, without a division, fused or not: x * high is exact, as high has 16 bits.
  constexpr float high = 0x1.0101p-8f;
  constexpr float low = float(1.0 / 255 - double(high));
  const auto x = float(byte);
  return x * high + x * low;
}

HEBB_HOST_DEVICE inline float normalized(float x, float mean, float deviation) {
  return (x - mean) / deviation;
}

/// Numbers one after the other, as a Generator draws them.
struct Draws {
  RandomKey key;
  uint64_t used = 0;  // blocks

  HEBB_HOST_DEVICE double uniform() { return to_unit_double(key.block(used++)); }
  HEBB_HOST_DEVICE int64_t below(int64_t bound) {
    int64_t number = 0;
    while (!bounded_number(key.block(used++), bound, number)) {
    }
    return number;
  }
};

/// The draws of a data set's sample: 2^20 blocks are set aside for each.
HEBB_HOST_DEVICE inline Draws draws_of_sample(RandomKey key, int64_t sample) {
  key.offset += uint64_t(sample) << 20;
  return {key};
}

/// What a random step comes to for one image: a pixel takes the value dy below and dx right of it,
/// or that of its mirror image.
struct ImageMove {
  int64_t dy, dx;
  bool mirrored;
};

HEBB_HOST_DEVICE inline ImageMove draw_move(const ImageStep& step, Draws& draws) {
  ImageMove move{0, 0, false};
  if (step.kind == ImageStep::Kind::crop) {
    move.dy = draws.below(2 * step.padding + 1) - step.padding;
    move.dx = draws.below(2 * step.padding + 1) - step.padding;
  } else if (step.kind == ImageStep::Kind::mirror) {
    move.mirrored = draws.uniform() < step.probability;
  }
  return move;
}

struct ImageExtents {
  int64_t channels, height, width;
};

/// Element i of an image after all steps, from its bytes: back to where it comes from, then forward
/// through what changes its value.
HEBB_HOST_DEVICE inline float image_element(const ImageSteps& steps, const ImageMove* moves,
                                            const ImageExtents& extents, const uint8_t* bytes,
                                            int64_t i) {
  const int64_t plane = extents.height * extents.width, channel = i / plane;
  int64_t y = i % plane / extents.width, x = i % extents.width;
  int first = 0;  // of the steps that change the value
  float value = 0;
  for (int s = steps.count - 1; s >= 0 && first == 0; --s) {
    if (moves[s].mirrored) x = extents.width - 1 - x;
    y += moves[s].dy;
    x += moves[s].dx;
    if (y < 0 || y >= extents.height || x < 0 || x >= extents.width) {
      value = steps.step[s].fill;
      first = s + 1;
    }
  }
  if (first == 0) value = unit_float(bytes[channel * plane + y * extents.width + x]);
  for (int s = first; s < steps.count; ++s) {
    const ImageStep& step = steps.step[s];
    if (step.kind == ImageStep::Kind::normalize)
      value = normalized(value, step.mean[channel], step.deviation[channel]);
  }
  return value;
}

// The same for whole images of floats in place, on the host.
void normalize_image(float* image, const ImageExtents& extents, const float* mean,
                     const float* deviation);
void move_image(float* image, const ImageExtents& extents, const ImageMove& move, float fill);

}  // namespace hebb
