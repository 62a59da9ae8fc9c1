#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Writes samples `indices` (int64 [B], on the device of the images like all others) of a data set,
/// images (uint8 [N, C, H, W]) and labels (int64 [N]), to float32 [B, C, H, W] and int64 [B]: bytes
/// are divided by 255 and go through the steps. Sample i draws from block i 2^20 of the generator
/// on, which stays as it is: what becomes of it does not depend on the batch. ValueError for steps
/// that make no sense and indices out of range (on a GPU at the next synchronisation).
void make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                const ImageSteps& steps, const Generator& random, const Tensor& to_images,
                const Tensor& to_labels);

/// The same of a batch whose place is on the device, so that a step that makes one can be repeated
/// (core/ops/record_step.hpp). Of indices int64 [N], such as the order of an epoch, the batch has
/// those from cursor[0] on. The other two of cursor, int64 [3], are the bits of the generator's
/// seed and stream. ValueError for a place that is not there (on the CPU).
void make_batch_at(const Tensor& cursor, const Tensor& images, const Tensor& labels,
                   const Tensor& indices, const ImageSteps& steps, const Tensor& to_images,
                   const Tensor& to_labels);

}  // namespace hebb
