#pragma once

#include <cstdint>

namespace hebb {

/// Elements cut into a slice for each rank.
struct Slices {
  int64_t elements;
  int ranks;

  int64_t first(int rank) const { return elements * rank / ranks; }
  int64_t count(int rank) const { return first(rank + 1) - first(rank); }
};

}  // namespace hebb
