#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "core/api.hpp"
#include "core/options.hpp"
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

/// What a Loader does to every image, after its conversion to float: steps in order. Those of the
/// types below are values that a device can follow itself (core/ops/images.hpp), so that it makes
/// batches of a data set in its memory; with any other function among them batches are made on the
/// host. Functions are called from several threads at once; what they throw reaches the caller of
/// the loader.
class Transform {
 public:
  using Function = std::function<void(Sample&)>;
  using Step = std::variant<Normalize, RandomCrop, RandomHorizontalFlip, Function>;

  Transform() = default;  ///< Changes nothing.
  Transform(Normalize step) : steps_{std::move(step)} {}
  Transform(RandomCrop step) : steps_{step} {}
  Transform(RandomHorizontalFlip step) : steps_{step} {}
  template <class F>
  requires(!std::same_as<F, Transform> && std::constructible_from<Function, F>)
      Transform(F function)
      : steps_{Function(std::move(function))} {}

  void operator()(Sample& sample) const;
  /// Whether there is a step.
  explicit operator bool() const { return !steps_.empty(); }
  std::span<const Step> steps() const { return steps_; }
  /// The step where it is the only one and a T, else null.
  template <class T>
  const T* target() const {
    return steps_.size() == 1 ? std::get_if<T>(&steps_[0]) : nullptr;
  }

 private:
  friend Transform compose(const std::vector<Transform>& transforms);
  std::vector<Step> steps_;
};

/// The transforms one after the other.
Transform compose(const std::vector<Transform>& transforms);

/// What a device is told of a transform of images with so many channels; nothing where it takes the
/// host: a step is a function, or one that is refused when it is called, or there are more steps or
/// channels than ImageSteps holds.
std::optional<ImageSteps> image_steps(const Transform& transform, int64_t channels);

}  // namespace hebb
