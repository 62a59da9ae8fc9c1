#pragma once

#include <functional>

#include "core/api.hpp"
#include "core/device.hpp"

namespace HEBB_API hebb {

/// Calls of the result do on a device what calls of `step` do, and may be cheaper: where a device
/// can keep what it was told, `step` is not called again. So a step is made of operations on
/// tensors that are the same each time; what changes between calls is in them (learning rates,
/// counts, the bases of random keys), and what the host counts stays outside. On the CPU the result
/// is `step` itself.
std::function<void()> record_step(Device device, std::function<void()> step);

}  // namespace hebb
