#pragma once

#include <cstdint>
#include <span>

#include "data/dataset.hpp"
#include "data/loader.hpp"

namespace hebb::apps {

/// All images of a data set, or those with these indices, as floats with their labels.
Batch to_batch(const Dataset& dataset);
Batch to_batch(const Dataset& dataset, std::span<const int64_t> indices);

/// A batch on another device.
Batch moved(const Batch& batch, Device device);

/// The samples of a batch on the CPU with these indices.
Batch rows_of(const Batch& batch, std::span<const int64_t> indices);

}  // namespace hebb::apps
