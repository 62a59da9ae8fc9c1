#include "core/image_math.hpp"
#include "gpu/kernels.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

/// A block for each sample: one thread draws what becomes of it, all make its elements.
struct MakeBatchBody {
  static constexpr int phases = 2;
  struct Shared {
    ImageMove moves[ImageSteps::most];
  };
  using Local = Nothing;
  BatchOfImages batch;
  HEBB_HOST_DEVICE void phase(int p, const Thread& t, Shared& shared, Local&) const {
    const int64_t sample = batch.indices[t.block];
    const bool is_there = sample >= 0 && sample < batch.samples;  // or check_range complains
    if (p == 0) {
      if (t.index != 0) return;
      const int64_t* const at = batch.indices.cursor;
      const RandomKey key =
          at ? RandomKey{.seed = uint64_t(at[1]), .stream = uint64_t(at[2])} : batch.key;
      Draws draws = draws_of_sample(key, sample);
      for (int s = 0; s < batch.steps.count; ++s)
        shared.moves[s] = draw_move(batch.steps.step[s], draws);
      batch.to_labels[t.block] = is_there ? batch.labels[sample] : 0;
      return;
    }
    const ImageExtents& extents = batch.extents;
    const int64_t pixels = extents.channels * extents.height * extents.width;
    const uint8_t* const bytes = batch.images + (is_there ? sample : 0) * pixels;
    float* const image = batch.to_images + t.block * pixels;
    for (int64_t i = t.index; i < pixels; i += t.count)
      image[i] = is_there ? image_element(batch.steps, shared.moves, extents, bytes, i) : 0.0f;
  }
};

}  // namespace

void make_batch(Stream stream, const BatchOfImages& batch) {
  for_blocks(stream, batch.batch, block_threads, MakeBatchBody{batch});
}

}  // namespace hebb::cuda
