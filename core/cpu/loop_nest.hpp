#pragma once

#include "core/cpu/kernels.hpp"

namespace hebb::cpu {

/// Two operands of shapes a and b stretched to `shape`.
BroadcastLoop broadcast_loop(const Shape& shape, const Shape& a, const Shape& b);

/// A reduction of the axes of `shape` whose bits are set. `shape` has elements.
ReduceLoop reduce_loop(const Shape& shape, uint32_t axes);

}  // namespace hebb::cpu
