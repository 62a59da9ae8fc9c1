#include "core/ops/images.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/ops/checks.hpp"

namespace hebb {
namespace {

constexpr const char* make_batch_where = "make_batch";

void check_steps(const ImageSteps& steps, int64_t channels) {
  using Kind = ImageStep::Kind;
  check(steps.count >= 0 && steps.count <= ImageSteps::most,
        "[make_batch] expected at most {} steps, got {}", ImageSteps::most, steps.count);
  for (int s = 0; s < steps.count; ++s) {
    const ImageStep& step = steps.step[s];
    if (step.kind == Kind::normalize)
      check<ShapeError>(channels <= ImageStep::most_channels,
                        "[make_batch] expected at most {} channels to normalise, got {}",
                        ImageStep::most_channels, channels);
    if (step.kind == Kind::crop)
      check(step.padding >= 0, "[make_batch] expected a padding of at least 0, got {}",
            step.padding);
  }
}

// Defined, of this type and rank, on the device of `like`.
void check_operand(Operand operand, DType dtype, int rank, const char* layout, const Tensor& like) {
  const auto& [name, x] = operand;
  check<DTypeError>(x.defined() && x.dtype() == dtype, "[{}] expected {} of {}, got {}",
                    make_batch_where, name, name_of(dtype), x);
  check_rank(make_batch_where, operand, rank, layout);
  check<DeviceError>(x.device() == like.device(), "[{}] expected {} on {}, got {}",
                     make_batch_where, name, like.device().to_string(), x);
}

}  // namespace

void make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                const ImageSteps& steps, const Generator& random, const Tensor& to_images,
                const Tensor& to_labels) {
  check_operand({"images", images}, DType::uint8, 4, "[N, C, H, W]", images);
  check_operand({"labels", labels}, DType::int64, 1, "[N]", images);
  check_operand({"indices", indices}, DType::int64, 1, "[B]", images);
  check_operand({"the batch's images", to_images}, DType::float32, 4, "[B, C, H, W]", images);
  check_operand({"the batch's labels", to_labels}, DType::int64, 1, "[B]", images);
  check_shape(make_batch_where, {"labels", labels}, {images.size(0)});
  check_shape(make_batch_where, {"the batch's images", to_images},
              images.shape().with(0, indices.size(0)));
  check_shape(make_batch_where, {"the batch's labels", to_labels}, indices.shape());
  check_steps(steps, images.size(1));
  if (indices.numel() == 0) return;
  Generator copy = random;
  backend_of(images)->make_batch(images, labels, indices, steps, copy.reserve(0), to_images,
                                 to_labels);
}

}  // namespace hebb
