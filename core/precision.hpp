#pragma once

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/device.hpp"
#include "core/options.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// How the products and convolutions of float32 tensors multiply on a device. `fp32`, the default:
/// float32. `tf32`, of GPUs: what is multiplied is cut to TF32's 10 bits of fraction first, and is
/// added up in float32. `bf16`: on CPUs what is multiplied is rounded to bfloat16, to the nearest
/// and ties to even, and is added up in float32; convolutions that would be no faster so stay with
/// float32, which are those between few channels and, on AVX512-BF16, those that Winograd's
/// algorithms compute with stride 1. On GPUs float32 tensors are multiplied as with fp32. Networks
/// that are trained or evaluated then have activations of bfloat16 (core/dtype.hpp), whose products
/// round all their factors, on both. Parameters and their gradients, optimisers, statistics, losses
/// and reductions are float32 in any case, and float64 is what it was.
Precision precision(Device device = {});
/// For all operations of the device from now on; not to be called while some run. ValueError where
/// it does not multiply so: bf16 takes a processor with AVX512-BF16 or AMX or a GPU, and tf32 a
/// GPU. A step that is recorded (core/ops/record_step.hpp) multiplies as the device does when it is
/// called.
void set_precision(Precision precision, Device device = {});
const Choices<Precision>& precisions();
/// What a network is given for x: with bf16, where its device has tensors of bfloat16, what is of
/// float32 becomes one, and activations follow. The trainer, train_step and what calls these hand
/// it batches.
Tensor network_input(const Tensor& x);

}  // namespace hebb
