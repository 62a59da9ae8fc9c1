#include "core/ops/images.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

void check_steps(const char* where, const ImageSteps& steps, int64_t channels) {
  using Kind = ImageStep::Kind;
  check(steps.count >= 0 && steps.count <= ImageSteps::most,
        "[{}] expected at most {} steps, got {}", where, ImageSteps::most, steps.count);
  for (int s = 0; s < steps.count; ++s) {
    const ImageStep& step = steps.step[s];
    if (step.kind == Kind::normalize)
      check<ShapeError>(channels <= ImageStep::most_channels,
                        "[{}] expected at most {} channels to normalise, got {}", where,
                        ImageStep::most_channels, channels);
    if (step.kind == Kind::crop)
      check(step.padding >= 0, "[{}] expected a padding of at least 0, got {}", where,
            step.padding);
  }
}

// Defined, of this type and rank, on the device of `like`.
void check_operand(const char* where, Operand operand, DType dtype, int rank, const char* layout,
                   const Tensor& like) {
  const auto& [name, x] = operand;
  check<DTypeError>(x.defined() && x.dtype() == dtype, "[{}] expected {} of {}, got {}", where,
                    name, name_of(dtype), x);
  check_rank(where, operand, rank, layout);
  check<DeviceError>(x.device() == like.device(), "[{}] expected {} on {}, got {}", where, name,
                     like.device().to_string(), x);
}

void check_batch(const char* where, const Tensor& images, const Tensor& labels,
                 const Tensor& indices, const ImageSteps& steps, const Tensor& to_images,
                 const Tensor& to_labels) {
  check_operand(where, {"images", images}, DType::uint8, 4, "[N, C, H, W]", images);
  check_operand(where, {"labels", labels}, DType::int64, 1, "[N]", images);
  check_operand(where, {"indices", indices}, DType::int64, 1, "[B]", images);
  check_operand(where, {"the batch's images", to_images}, DType::float32, 4, "[B, C, H, W]",
                images);
  check_operand(where, {"the batch's labels", to_labels}, DType::int64, 1, "[B]", images);
  check_shape(where, {"labels", labels}, {images.size(0)});
  check_steps(where, steps, images.size(1));
}

}  // namespace

void make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                const ImageSteps& steps, const Generator& random, const Tensor& to_images,
                const Tensor& to_labels) {
  constexpr const char* where = "make_batch";
  check_batch(where, images, labels, indices, steps, to_images, to_labels);
  check_shape(where, {"the batch's images", to_images}, images.shape().with(0, indices.size(0)));
  check_shape(where, {"the batch's labels", to_labels}, indices.shape());
  if (indices.numel() == 0) return;
  Generator copy = random;
  backend_of(images)->make_batch(images, labels, indices, {}, steps, copy.reserve(0), to_images,
                                 to_labels);
}

void make_batch_at(const Tensor& cursor, const Tensor& images, const Tensor& labels,
                   const Tensor& indices, const ImageSteps& steps, const Tensor& to_images,
                   const Tensor& to_labels) {
  constexpr const char* where = "make_batch_at";
  check_batch(where, images, labels, indices, steps, to_images, to_labels);
  check_operand(where, {"the cursor", cursor}, DType::int64, 1, "[3]", images);
  check_shape(where, {"the cursor", cursor}, {3});
  check_shape(where, {"the batch's images", to_images}, images.shape().with(0, to_labels.size(0)));
  check<ShapeError>(to_labels.size(0) <= indices.size(0),
                    "[{}] expected at most {} samples, as there are indices, got {}", where,
                    indices.size(0), to_labels.size(0));
  if (to_labels.numel() == 0) return;
  backend_of(images)->make_batch(images, labels, indices, cursor, steps, {}, to_images, to_labels);
}

}  // namespace hebb
