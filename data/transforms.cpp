#include "data/transforms.hpp"

#include <algorithm>
#include <cmath>

#include "core/check.hpp"
#include "core/image_math.hpp"

namespace hebb {

namespace {

ImageExtents extents_of(const Sample& sample) {
  return {sample.channels, sample.height, sample.width};
}

ImageStep step_of(const RandomCrop& crop) {
  return {.kind = ImageStep::Kind::crop, .padding = crop.padding, .fill = crop.fill};
}

ImageStep step_of(const RandomHorizontalFlip& flip) {
  return {.kind = ImageStep::Kind::mirror, .probability = flip.probability};
}

void move(const ImageStep& step, Sample& sample) {
  Draws draws{sample.random.reserve(0)};
  move_image(sample.pixels.data(), extents_of(sample), draw_move(step, draws), step.fill);
  sample.random.reserve(int64_t(4 * draws.used));
}

// A step as devices take it.
struct Describe {
  size_t channels;

  std::optional<ImageStep> operator()(const Normalize& normalize) const {
    if (channels > ImageStep::most_channels || normalize.mean.size() != channels ||
        normalize.deviation.size() != channels)
      return std::nullopt;
    ImageStep step{.kind = ImageStep::Kind::normalize};
    std::ranges::copy(normalize.mean, step.mean);
    std::ranges::copy(normalize.deviation, step.deviation);
    return step;
  }
  std::optional<ImageStep> operator()(const RandomCrop& crop) const {
    if (crop.padding < 0) return std::nullopt;
    return step_of(crop);
  }
  std::optional<ImageStep> operator()(const RandomHorizontalFlip& flip) const {
    return step_of(flip);
  }
  std::optional<ImageStep> operator()(const Transform::Function&) const { return std::nullopt; }
};

}  // namespace

void Transform::operator()(Sample& sample) const {
  for (const Step& step : steps_) std::visit([&](const auto& call) { call(sample); }, step);
}

Transform compose(const std::vector<Transform>& transforms) {
  Transform all;
  for (const Transform& transform : transforms)
    all.steps_.insert(all.steps_.end(), transform.steps_.begin(), transform.steps_.end());
  return all;
}

std::optional<ImageSteps> image_steps(const Transform& transform, int64_t channels) {
  ImageSteps steps;
  for (const Transform::Step& step : transform.steps()) {
    const std::optional<ImageStep> described = std::visit(Describe{size_t(channels)}, step);
    if (!described || steps.count == ImageSteps::most) return std::nullopt;
    steps.step[steps.count++] = *described;
  }
  return steps;
}

void to_float(std::span<const uint8_t> from, std::span<float> to) {
  const uint8_t* const source = from.data();
  float* const destination = to.data();
  const auto count = std::ssize(from);
  for (int64_t i = 0; i < count; ++i) destination[i] = unit_float(source[i]);
}

void Normalize::operator()(Sample& sample) const {
  check<ShapeError>(
      std::ssize(mean) == sample.channels && std::ssize(deviation) == sample.channels,
      "[normalize] expected a mean and a deviation for each of {} channels, got {} and {}",
      sample.channels, mean.size(), deviation.size());
  normalize_image(sample.pixels.data(), extents_of(sample), mean.data(), deviation.data());
}

Normalize normalize_for(const Dataset& dataset) {
  check_dataset(dataset);
  const Shape& shape = dataset.images.shape();
  const int64_t channels = shape[1], plane = shape[2] * shape[3];
  const double count = double(std::max<int64_t>(shape[0] * plane, 1));
  std::vector<int64_t> sums(size_t(channels), 0), squares(size_t(channels), 0);
  const uint8_t* pixel = dataset.images.host<uint8_t>().data();
  for (int64_t image = 0; image < shape[0]; ++image) {
    for (size_t c = 0; c < sums.size(); ++c, pixel += plane) {
      int64_t sum = 0, square = 0;
      for (int64_t i = 0; i < plane; ++i) {
        sum += pixel[i];
        square += int64_t(pixel[i]) * pixel[i];
      }
      sums[c] += sum;
      squares[c] += square;
    }
  }
  Normalize result;
  for (size_t c = 0; c < sums.size(); ++c) {
    const double mean = double(sums[c]) / count;
    const double deviation = std::sqrt(std::max(double(squares[c]) / count - mean * mean, 0.0));
    result.mean.push_back(float(mean / 255));
    result.deviation.push_back(deviation > 0 ? float(deviation / 255) : 1.0f);
  }
  return result;
}

void RandomCrop::operator()(Sample& sample) const {
  check(padding >= 0, "[random_crop] expected a padding of at least 0, got {}", padding);
  move(step_of(*this), sample);
}

void RandomHorizontalFlip::operator()(Sample& sample) const { move(step_of(*this), sample); }

}  // namespace hebb
