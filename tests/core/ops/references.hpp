#pragma once

#include <span>

#include "tests/core/ops/table.hpp"

/// References that the rows of several operations share.
namespace hebb::test {

/// Of an input, a weight and maybe a bias.
Array convolution(std::span<const Array> in, const Conv2dOptions& options);

enum class Of { largest, place, mean };
Array pooled(const Array& x, const Pool2dOptions& options, Of of);

}  // namespace hebb::test
