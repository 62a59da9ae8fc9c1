#include "gpu/cuda_backend.hpp"
#include "gpu/recording.hpp"

namespace hebb::cuda {

void CudaBackend::make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                             const ImageSteps& steps, RandomKey key, const Tensor& to_images,
                             const Tensor& to_labels) {
  // Orders and keys are an epoch's.
  stop_recording("it makes a batch");
  const Shape& shape = images.shape();
  check_range(stream_, indices.numel(), {.end = shape[0]}, data_of<int64_t>(indices),
              Complaint::make_batch, complaint_);
  cuda::make_batch(stream_, {.samples = shape[0],
                             .batch = indices.numel(),
                             .extents = {shape[1], shape[2], shape[3]},
                             .steps = steps,
                             .key = key,
                             .images = data_of<uint8_t>(images),
                             .labels = data_of<int64_t>(labels),
                             .indices = data_of<int64_t>(indices),
                             .to_images = data_of<float>(to_images),
                             .to_labels = data_of<int64_t>(to_labels)});
}

}  // namespace hebb::cuda
