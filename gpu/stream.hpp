#pragma once

#include "core/api.hpp"

namespace hebb::cuda {

/// A queue of work on a device, which does one thing after the other.
struct Stream {
  int device = 0;
  void* handle = nullptr;  // a cudaStream_t
};

/// That of a device's backend.
HEBB_API Stream stream_of(int device);

}  // namespace hebb::cuda
