#pragma once

#include <string>

#include "layers/module.hpp"

namespace hebb::apps {

/// A table of the algorithms that the backend takes for a model's convolutions, each shape once, in
/// batches of `batch` samples of the shape `input` (without the axis of samples).
std::string explain_kernels(const Module& model, const Shape& input, int64_t batch);

}  // namespace hebb::apps
