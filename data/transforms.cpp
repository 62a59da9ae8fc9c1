#include "data/transforms.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "core/check.hpp"

namespace hebb {

Transform compose(std::vector<Transform> transforms) {
  return [transforms = std::move(transforms)](Sample& sample) {
    for (const Transform& transform : transforms) transform(sample);
  };
}

void to_float(std::span<const uint8_t> from, std::span<float> to) {
  // x / 255, correctly rounded, without a division: x * high is exact, as high has 16 bits.
  constexpr float high = 0x1.0101p-8f;
  constexpr float low = float(1.0 / 255 - double(high));
  const uint8_t* const source = from.data();
  float* const destination = to.data();
  const auto count = std::ssize(from);
  for (int64_t i = 0; i < count; ++i) {
    const auto x = float(source[i]);
    destination[i] = x * high + x * low;
  }
}

void Normalize::operator()(Sample& sample) const {
  check<ShapeError>(
      std::ssize(mean) == sample.channels && std::ssize(deviation) == sample.channels,
      "[normalize] expected a mean and a deviation for each of {} channels, got {} and {}",
      sample.channels, mean.size(), deviation.size());
  const auto plane = size_t(sample.height * sample.width);
  for (size_t c = 0; c < mean.size(); ++c)
    for (float& x : sample.pixels.subspan(c * plane, plane)) x = (x - mean[c]) / deviation[c];
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
  const int64_t dy = sample.random.below(2 * padding + 1) - padding;
  const int64_t dx = sample.random.below(2 * padding + 1) - padding;
  const int64_t height = sample.height, width = sample.width;
  const int64_t first = std::clamp<int64_t>(-dx, 0, width);
  const int64_t last = std::clamp<int64_t>(width - dx, 0, width);
  for (int64_t c = 0; c < sample.channels; ++c) {
    float* const plane = sample.pixels.data() + c * height * width;
    for (int64_t i = 0; i < height; ++i) {
      // Rows move up for dy > 0 and down for dy < 0: none is overwritten before it is read.
      const int64_t y = dy > 0 ? i : height - 1 - i;
      float* const row = plane + y * width;
      if (y + dy < 0 || y + dy >= height || first >= last) {
        std::fill_n(row, width, fill);
        continue;
      }
      std::memmove(row + first, row + dy * width + first + dx,
                   size_t(last - first) * sizeof(float));
      std::fill(row, row + first, fill);
      std::fill(row + last, row + width, fill);
    }
  }
}

void RandomHorizontalFlip::operator()(Sample& sample) const {
  if (sample.random.uniform() >= probability) return;
  for (auto row = sample.pixels.begin(); row != sample.pixels.end(); row += sample.width)
    std::reverse(row, row + sample.width);
}

}  // namespace hebb
