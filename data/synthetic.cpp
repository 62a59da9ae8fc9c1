#include "data/synthetic.hpp"

#include "core/check.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "data/digit_renderer.hpp"

namespace hebb {
namespace {

constexpr int64_t digit_classes = 10;
constexpr int64_t digit_pixels = int64_t(digit_extent) * digit_extent;
constexpr int64_t grain = 64;
constexpr int blocks_bits = 10;  // a sample's share of random blocks, as a power of two

enum DigitStream : uint64_t { image_stream, class_stream, label_stream };

int64_t label_of(const DigitsOptions& options, int64_t sample) {
  if (!options.balanced)
    return Generator(options.seed).split(label_stream).split(uint64_t(sample)).below(digit_classes);
  const uint64_t group = uint64_t(sample / digit_classes);
  return Generator(options.seed)
      .split(class_stream)
      .split(group)
      .permutation(digit_classes)[size_t(sample % digit_classes)];
}

Generator image_generator(uint64_t seed, int64_t sample) {
  Generator random = Generator(seed).split(image_stream);
  Generator::State state = random.state();
  state.offset = uint64_t(sample) << blocks_bits;
  random.set_state(state);
  return random;
}

}  // namespace

Dataset digits(const DigitsOptions& options) {
  check(options.samples >= 0 && options.first >= 0,
        "[digits] expected 0 or more samples from a number of at least 0, got {} from {}",
        options.samples, options.first);
  Dataset dataset{
      .images =
          Tensor::empty({options.samples, 1, digit_extent, digit_extent}, {.dtype = DType::uint8}),
      .labels = Tensor::empty({options.samples}, {.dtype = DType::int64}),
      .classes = digit_classes,
      .name = "digits",
      .description = fmt::format("procedural digits, seed {}, samples {} to {}", options.seed,
                                 options.first, options.first + options.samples - 1)};
  const auto images = dataset.images.host<uint8_t>();
  const auto labels = dataset.labels.host<int64_t>();
  parallel_for(options.samples, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t sample = options.first + i;
      labels[i] = label_of(options, sample);
      render_digit(int(labels[i]), image_generator(options.seed, sample),
                   images.subspan(size_t(i * digit_pixels), size_t(digit_pixels)));
    }
  });
  return dataset;
}

}  // namespace hebb
