#pragma once

namespace hebb::cuda {

/// A queue of work on a device, which does one thing after the other.
struct Stream {
  int device = 0;
  void* handle = nullptr;  // a cudaStream_t
};

}  // namespace hebb::cuda
