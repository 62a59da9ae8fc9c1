#pragma once

#include <cstdint>

namespace hebb::cuda {

/// What a kernel found wrong in device memory: the first index out of range. It stays until the
/// next synchronisation, which throws it (gpu/memory.cpp). In pinned memory that both sides see.
struct Complaint {
  enum Place : int64_t { none, cross_entropy, gather_rows, gather, make_batch };
  int64_t place, begin, end, value, at;
};

}  // namespace hebb::cuda
