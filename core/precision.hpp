#pragma once

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/device.hpp"
#include "core/options.hpp"

namespace HEBB_API hebb {

/// How the products and convolutions of float32 tensors multiply on a device. `fp32`, the default:
/// float32. `bf16`: what is multiplied is rounded to bfloat16 first, to the nearest and ties to
/// even, and is added up in float32; convolutions that would be no faster so stay with float32,
/// which are those between few channels and, on AVX512-BF16, those that Winograd's algorithms
/// compute with stride 1. Results, parameters and all other operations are float32 in either case,
/// and float64 is what it was.
Precision precision(Device device = {});
/// For all operations of the device from now on; not to be called while some run. ValueError where
/// it does not multiply so: bf16 takes a processor with AVX512-BF16 or AMX, and tf32 is a GPU's.
void set_precision(Precision precision, Device device = {});
const Choices<Precision>& precisions();

}  // namespace hebb
