#pragma once

#include <cstdint>

#include "core/api.hpp"

namespace HEBB_API hebb {

/// Which rows of a batch these are, where ranks or micro-batches share one.
struct RowShare {
  int64_t first = 0;   ///< Of these rows in the batch.
  int64_t total = 0;   ///< Rows of the batch; 0: these are all.
  int64_t copies = 1;  ///< How many ranks have these rows, each to count 1 / copies.
};

}  // namespace hebb
