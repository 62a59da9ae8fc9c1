#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "core/api.hpp"
#include "core/random.hpp"
#include "data/dataset.hpp"

namespace HEBB_API hebb {

/// One image on its way into a batch, to be changed in place.
struct Sample {
  std::span<float> pixels;  ///< [channels, height, width], from 0 to 1 at first.
  int64_t channels, height, width;
  /// Random numbers of this sample in this epoch: a function of the loader's seed, the epoch and
  /// the sample's index, and so the same for every order of batches and number of threads.
  Generator random;
};

/// What a Loader does to every image, after its conversion to float. Called from several threads
/// at once; what it throws reaches the caller of the loader.
using Transform = std::function<void(Sample&)>;

/// The transforms one after the other.
Transform compose(std::vector<Transform> transforms);

/// 0..255 to 0..1: each value divided by 255. The spans are of one length.
void to_float(std::span<const uint8_t> from, std::span<float> to);

/// (x - mean[c]) / deviation[c] for each channel c, in units of the scaled image (0 to 1).
/// ShapeError when their number is not the image's number of channels.
struct Normalize {
  std::vector<float> mean, deviation;
  void operator()(Sample& sample) const;
};

/// Normalize with the mean and standard deviation of the data set's pixels, channel by channel.
/// A channel of one single value is only centred.
Normalize normalize_for(const Dataset& dataset);

/// Pads the image by `padding` pixels of value `fill` on every side and cuts a window of the
/// image's own size out of it at random (He et al., CVPR 2016, use 4 for CIFAR-10). ValueError for
/// a negative padding.
struct RandomCrop {
  int64_t padding = 4;
  float fill = 0;
  void operator()(Sample& sample) const;
};

/// Mirrors left and right with this probability.
struct RandomHorizontalFlip {
  double probability = 0.5;
  void operator()(Sample& sample) const;
};

}  // namespace hebb
