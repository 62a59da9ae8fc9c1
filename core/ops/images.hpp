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

}  // namespace hebb
