#pragma once

#include <atomic>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "core/options.hpp"

namespace hebb::cuda {

/// What tests look at and change in the device that this CPU stands for.
struct Emulation {
  bool memory_left = true;
  bool epilogues = true;             // whether cuBLASLt does what goes beside products
  bool convolutions = true;          // whether cuDNN takes those of bfloat16
  std::atomic<long> launches = 0;    // of kernels
  std::atomic<size_t> uploaded = 0;  // bytes that were copied to the device
  std::atomic<long> copies = 0;      // from the device to itself
  std::atomic<long> waits = 0;       // of the host for the device
  std::atomic<long> graphs = 0;      // that there are
  std::atomic<long> graph_launches = 0;
  /// The work that CUDA finds it cannot record, counted from here on; 0: none.
  std::atomic<long> unrecordable = 0;
  /// The request for memory that is refused, counted in the same way.
  std::atomic<long> refused_request = 0;
  std::atomic<Precision> precision_of_cudnn = Precision::fp32;  // what it was asked for at last
  std::atomic<long> exchanges = 0;                              // by NCCL, of all ranks
  int nccl_status = 0;                                          // of what connects ranks
  std::atomic<long> broken_guards = 0;  // bytes behind tensors that were written to
};
extern Emulation emulation;
/// Where a thread finds its GPU.
extern thread_local std::string emulated_address;
/// Which streams a thread has told to wait for which, and -1, -1 for what NCCL was asked between.
/// 0 is a backend's; others have numbers.
extern thread_local std::vector<std::pair<int, int>> emulated_order;

}  // namespace hebb::cuda
