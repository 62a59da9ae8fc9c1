#pragma once

#include <cstdint>
#include <vector>

#include "core/api.hpp"
#include "core/random.hpp"
#include "data/dataset.hpp"

namespace HEBB_API hebb {

struct FewShotOptions {
  int64_t shots = 10;  ///< Samples of each class.
  int64_t first = 0;   ///< Samples are drawn from indices [first, last).
  int64_t last = -1;   ///< -1: up to the end of the data set.
};

/// Draws `shots` samples of every class without replacement and returns their indices class by
/// class, in the order in which they were drawn: a generator's draw with fewer shots is a part of
/// its draw with more. ValueError when the range is not inside the data set or a class has too few
/// samples in it.
std::vector<int64_t> few_shot(const Dataset& dataset, const Generator& generator,
                              const FewShotOptions& options = {});

}  // namespace hebb
