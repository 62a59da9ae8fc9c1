#pragma once

#include "tests/core/ops/table.hpp"

/// References of operations whose operands stretch.
namespace hebb::test {

using Scalar2 = double (*)(double, double);

/// The element of x that meets element i of an array of shape `out`.
inline double stretched(const Array& x, const Shape& out, int64_t i) {
  int64_t offset = 0, step = 1;
  for (int axis = 1; axis <= out.rank(); ++axis) {
    const int64_t index = i % out[-axis];
    i /= out[-axis];
    if (axis > x.shape.rank()) continue;
    if (x.shape[-axis] > 1) offset += index * step;
    step *= x.shape[-axis];
  }
  return x.values[size_t(offset)];
}

inline auto pairwise(Scalar2 f) {
  return [f](std::span<const Array> x) {
    Array y(broadcast(x[0].shape, x[1].shape, "reference"));
    for (int64_t i = 0; i < y.shape.numel(); ++i)
      y.values[size_t(i)] = f(stretched(x[0], y.shape, i), stretched(x[1], y.shape, i));
    return y;
  };
}

}  // namespace hebb::test
