#pragma once

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/device.hpp"
#include "core/options.hpp"

namespace HEBB_API hebb {

/// How the products and convolutions of float32 tensors multiply on a device. `fp32`, the default:
/// float32. `tf32`, of GPUs: what is multiplied is cut to TF32's 10 bits of fraction first, and is
/// added up in float32. `bf16`, of CPUs: the same with bfloat16, to the nearest and ties to even.
/// Convolutions between few channels, which would be no faster, stay with float32. Results,
/// parameters and all other operations are float32 in any case, and float64 is what it was.
Precision precision(Device device = {});
/// For all operations of the device from now on; not to be called while some run. ValueError where
/// it does not multiply so: bf16 takes a processor with AMX, and tf32 a GPU. A step that is
/// recorded (core/ops/record_step.hpp) multiplies as the device does when it is called.
void set_precision(Precision precision, Device device = {});
const Choices<Precision>& precisions();

}  // namespace hebb
