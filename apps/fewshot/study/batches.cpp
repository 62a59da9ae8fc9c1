#include "apps/fewshot/study/batches.hpp"

#include <algorithm>

#include "core/ops/layout.hpp"
#include "data/transforms.hpp"

namespace hebb::apps {

Batch to_batch(const Dataset& dataset) {
  Batch batch{Tensor::empty(dataset.images.shape()), dataset.labels};
  to_float(dataset.images.host<uint8_t>(), batch.images.host<float>());
  return batch;
}

Batch to_batch(const Dataset& dataset, std::span<const int64_t> indices) {
  return to_batch(dataset.subset(indices));
}

Batch moved(const Batch& batch, Device device) {
  return {batch.images.to(device), batch.labels.to(device)};
}

Batch rows_of(const Batch& batch, std::span<const int64_t> indices) {
  const Tensor rows = Tensor::from(indices, {std::ssize(indices)});
  const Tensor labels = Tensor::empty(rows.shape(), rows.options());
  std::ranges::transform(indices, labels.host<int64_t>().begin(),
                         [&](int64_t row) { return batch.labels.host<int64_t>()[size_t(row)]; });
  return {gather_rows(batch.images, rows), labels};
}

}  // namespace hebb::apps
