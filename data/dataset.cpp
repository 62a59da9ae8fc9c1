#include "data/dataset.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb {

Dataset Dataset::subset(std::span<const int64_t> indices) const {
  const int64_t count = std::ssize(indices);
  Dataset part = *this;
  part.images = Tensor::empty(images.shape().with(0, count), {.dtype = DType::uint8});
  part.labels = Tensor::empty({count}, {.dtype = DType::int64});
  const int64_t pixels = images.shape().product(1, images.rank());
  const auto from = images.host<uint8_t>(), to = part.images.host<uint8_t>();
  const auto from_labels = labels.host<int64_t>(), to_labels = part.labels.host<int64_t>();
  for (int64_t i = 0; i < count; ++i) {
    check(indices[i] >= 0 && indices[i] < size(),
          "[subset] expected indices in [0, {}), got {} at position {}", size(), indices[i], i);
    std::copy_n(from.begin() + indices[i] * pixels, pixels, to.begin() + i * pixels);
    to_labels[i] = from_labels[indices[i]];
  }
  return part;
}

std::vector<int64_t> Dataset::class_counts() const {
  check_dataset(*this);
  std::vector<int64_t> counts(size_t(classes), 0);
  for (const int64_t label : labels.host<int64_t>()) ++counts[size_t(label)];
  return counts;
}

void check_dataset(const Dataset& dataset) {
  check<DTypeError>(dataset.images.defined() && dataset.images.dtype() == DType::uint8,
                    "[dataset] expected images of uint8, got {}", dataset.images.to_string());
  check<DTypeError>(dataset.labels.defined() && dataset.labels.dtype() == DType::int64,
                    "[dataset] expected labels of int64, got {}", dataset.labels.to_string());
  check<ShapeError>(dataset.images.rank() == 4,
                    "[dataset] expected images of shape [N, C, H, W], got {}",
                    dataset.images.to_string());
  check<ShapeError>(dataset.labels.shape() == Shape{dataset.size()},
                    "[dataset] expected labels of shape [{}] to match {} images, got {}",
                    dataset.size(), dataset.size(), dataset.labels.to_string());
  const auto labels = dataset.labels.host<int64_t>();
  for (int64_t i = 0; i < dataset.size(); ++i)
    check(labels[i] >= 0 && labels[i] < dataset.classes,
          "[dataset] expected labels in [0, {}), got {} for sample {}", dataset.classes, labels[i],
          i);
}

Dataset concatenate(std::span<const Dataset> parts) {
  check(!parts.empty(), "[concatenate] expected at least one data set");
  Dataset whole = parts[0];
  int64_t samples = 0;
  for (const Dataset& part : parts) {
    check<ShapeError>(part.images.shape().with(0, 0) == whole.images.shape().with(0, 0),
                      "[concatenate] expected images of one shape, got {} and {}",
                      whole.images.to_string(), part.images.to_string());
    samples += part.size();
  }
  whole.images = Tensor::empty(whole.images.shape().with(0, samples), {.dtype = DType::uint8});
  whole.labels = Tensor::empty({samples}, {.dtype = DType::int64});
  auto images = whole.images.host<uint8_t>().begin();
  auto labels = whole.labels.host<int64_t>().begin();
  for (const Dataset& part : parts) {
    images = std::ranges::copy(part.images.host<uint8_t>(), images).out;
    labels = std::ranges::copy(part.labels.host<int64_t>(), labels).out;
  }
  return whole;
}

Split validation_split(int64_t samples, int64_t validation, Generator generator) {
  std::vector<int64_t> held_out = random_subset(samples, validation, generator);
  std::ranges::sort(held_out);
  Split result;
  result.train.reserve(size_t(samples - validation));
  auto next = held_out.begin();
  for (int64_t i = 0; i < samples; ++i) {
    if (next != held_out.end() && *next == i)
      ++next;
    else
      result.train.push_back(i);
  }
  result.validation = std::move(held_out);
  return result;
}

std::vector<int64_t> random_subset(int64_t samples, int64_t count, Generator generator) {
  check(count >= 0 && count <= samples, "[dataset] expected between 0 and {} samples, got {}",
        samples, count);
  std::vector<int64_t> order = generator.permutation(samples);
  order.resize(size_t(count));
  return order;
}

}  // namespace hebb
