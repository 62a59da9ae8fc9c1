#pragma once

#include <cstddef>

namespace hebb::cuda {

/// What tests look at and change in the device that this CPU stands for.
struct Emulation {
  bool memory_left = true;
  long launches = 0;       // of kernels
  size_t uploaded = 0;     // bytes that were copied to the device
  long waits = 0;          // of the host for the device
  long broken_guards = 0;  // bytes behind tensors that were written to
};
extern Emulation emulation;

}  // namespace hebb::cuda
