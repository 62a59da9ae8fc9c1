#include "core/cpu/cpu_backend.hpp"
#include "core/image_math.hpp"

namespace hebb::cpu {
namespace {

constexpr int64_t piece_pixels = 1 << 17;  // that are worth a thread

// Samples lie apart in memory: the next one is fetched while this one is converted.
void fetch(const uint8_t* image, int64_t bytes) {
  constexpr int64_t cache_line = 64;
  for (int64_t at = 0; at < bytes; at += cache_line) __builtin_prefetch(image + at);
}

void make_image(const uint8_t* bytes, const ImageExtents& extents, int64_t pixels,
                const ImageSteps& steps, Draws draws, float* image) {
  for (int64_t i = 0; i < pixels; ++i) image[i] = unit_float(bytes[i]);
  for (int s = 0; s < steps.count; ++s) {
    const ImageStep& step = steps.step[s];
    if (step.kind == ImageStep::Kind::normalize)
      normalize_image(image, extents, step.mean, step.deviation);
    else
      move_image(image, extents, draw_move(step, draws), step.fill);
  }
}

}  // namespace

void CpuBackend::make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                            const Tensor& cursor, const ImageSteps& steps, RandomKey key,
                            const Tensor& to_images, const Tensor& to_labels) {
  const Shape& shape = images.shape();
  const ImageExtents extents{shape[1], shape[2], shape[3]};
  const int64_t pixels = shape.product(1, 4), count = to_labels.numel();
  const uint8_t* const from = data_of<uint8_t>(images);
  const int64_t* const from_labels = data_of<int64_t>(labels);
  const int64_t* index = data_of<int64_t>(indices);
  if (cursor.defined()) {
    const int64_t* const at = data_of<int64_t>(cursor);
    check(at[0] >= 0 && at[0] <= indices.numel() - count,
          "[make_batch] expected a place for {} of {} indices, got {}", count, indices.numel(),
          at[0]);
    index += at[0];
    key = {.seed = uint64_t(at[1]), .stream = uint64_t(at[2])};
  }
  float* const to = data_of<float>(to_images);
  int64_t* const label = data_of<int64_t>(to_labels);
  for (int64_t i = 0; i < count; ++i)
    check(index[i] >= 0 && index[i] < shape[0],
          "[make_batch] expected indices in [0, {}), got {} at {}", shape[0], index[i], i);
  const int64_t grain = std::max<int64_t>(1, piece_pixels / std::max<int64_t>(pixels, 1));
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      if (i + 1 < end) fetch(from + index[i + 1] * pixels, pixels);
      make_image(from + index[i] * pixels, extents, pixels, steps, draws_of_sample(key, index[i]),
                 to + i * pixels);
      label[i] = from_labels[index[i]];
    }
  });
}

}  // namespace hebb::cpu
