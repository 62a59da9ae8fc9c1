#pragma once

#include <cstdint>
#include <vector>

#include "data/dataset.hpp"

namespace hebb {

struct FewShotOptions {
  int64_t shots = 10;  ///< Samples of each class.
  uint64_t seed = 0;   ///< A draw is its seed.
  int64_t first = 0;   ///< Samples are drawn from indices [first, last).
  int64_t last = -1;   ///< -1: up to the end of the data set.
};

/// Draws `shots` samples of every class without replacement and returns their indices class by
/// class, in the order in which they were drawn: the draw of a seed with fewer shots is a part of
/// its draw with more. ValueError when the range is not inside the data set or a class has too few
/// samples in it.
std::vector<int64_t> few_shot(const Dataset& dataset, const FewShotOptions& options = {});

}  // namespace hebb
