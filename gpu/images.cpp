#include "gpu/cuda_backend.hpp"
#include "gpu/recording.hpp"

namespace hebb::cuda {

void CudaBackend::make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                             const Tensor& cursor, const ImageSteps& steps, RandomKey key,
                             const Tensor& to_images, const Tensor& to_labels) {
  if (!cursor.defined()) stop_recording("it makes a batch of indices that it is told each time");
  const Shape& shape = images.shape();
  const IndexList list{data_of<int64_t>(indices), data_or_null<int64_t>(cursor), indices.numel()};
  const int64_t count = to_labels.numel();
  check_range(stream_, count, {.end = shape[0]}, list, Complaint::make_batch, complaint_);
  cuda::make_batch(stream_, {.samples = shape[0],
                             .batch = count,
                             .extents = {shape[1], shape[2], shape[3]},
                             .steps = steps,
                             .key = key,
                             .images = data_of<uint8_t>(images),
                             .labels = data_of<int64_t>(labels),
                             .indices = list,
                             .to_images = data_of<float>(to_images),
                             .to_labels = data_of<int64_t>(to_labels)});
}

}  // namespace hebb::cuda
