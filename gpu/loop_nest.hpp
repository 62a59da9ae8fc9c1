#pragma once

#include "core/host_device.hpp"
#include "core/loop_nest.hpp"

/// Where the elements of loop nests stand, for threads that each look for one.
namespace hebb::cuda {

struct Places {
  int64_t a = 0, b = 0;
};

/// Of both operands of element i of a broadcast.
HEBB_HOST_DEVICE inline Places places(const BroadcastLoop& loop, int64_t i) {
  Places at;
  for (int axis = 0; axis < loop.rank; ++axis) {
    const bool outermost = axis + 1 == loop.rank;
    const int64_t extent = loop.axes[axis].extent, position = outermost ? i : i % extent;
    at.a += position * loop.axes[axis].step_a;
    at.b += position * loop.axes[axis].step_b;
    if (!outermost) i /= extent;
  }
  return at;
}

HEBB_HOST_DEVICE inline int64_t place(const ReduceLoop::Axes& axes, int64_t i) {
  int64_t at = 0;
  for (int axis = 0; axis < axes.rank; ++axis) {
    const bool outermost = axis + 1 == axes.rank;
    const int64_t extent = axes.axes[axis].extent;
    at += (outermost ? i : i % extent) * axes.axes[axis].step;
    if (!outermost) i /= extent;
  }
  return at;
}

/// -1, 0 or 1; 0 for NaN.
template <class T>
HEBB_HOST_DEVICE inline T sign(T x) {
  return x > T(0) ? T(1) : x < T(0) ? T(-1) : T(0);
}

}  // namespace hebb::cuda
