#pragma once

#include <functional>

#include "core/api.hpp"
#include "core/device.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// Calls of the result do on a device what calls of `step` do, and may be cheaper: where a device
/// can keep what it was told, `step` is not called again. So a step is made of operations on
/// tensors that are the same each time; what changes between calls is in them (learning rates,
/// counts, the bases of random keys), and what the host counts stays outside: settings that the
/// host changes later may be found as they were. On the CPU the result is `step` itself. On CUDA a
/// step is called twice, recorded, and repeated; one that cannot be is called each time, and the
/// log says why. One that CUDA breaks off is called once more from its beginning.
std::function<void()> record_step(Device device, std::function<void()> step);

/// counts[i] += by, in place, of int64: what a step moves on.
void advance(const Tensor& counts, int64_t by);

}  // namespace hebb
