#pragma once

#include "gpu/launch.hpp"

namespace hebb::cuda {

template <class Body>
__global__ void __launch_bounds__(block_threads, 2)
    run_each(int64_t n, const __grid_constant__ Body body) {
  const int64_t step = step_of(gridDim.x);
  for (int64_t i = first_of(blockIdx.x, threadIdx.x); i < n; i += step) body(i);
}

template <class Body>
__global__ void __launch_bounds__(block_threads, 2)
    run_blocks(int64_t blocks, const __grid_constant__ Body body) {
  __shared__ typename Body::Shared shared;
  for (int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    const Thread thread = {block, int(threadIdx.x), int(blockDim.x)};
    typename Body::Local local;
#pragma unroll
    for (int phase = 0; phase < Body::phases; ++phase) {
      body.phase(phase, thread, shared, local);
      __syncthreads();
    }
  }
}

template <class Body>
void for_each(Stream stream, int64_t n, const Body& body) {
  if (n <= 0) return;
  const auto queue = static_cast<cudaStream_t>(activate(stream));
  run_each<<<grid(blocks_for(n)), block_threads, 0, queue>>>(n, body);
  check_launch();
}

template <class Body>
void for_blocks(Stream stream, int64_t blocks, int threads, const Body& body) {
  if (blocks <= 0) return;
  const auto queue = static_cast<cudaStream_t>(activate(stream));
  run_blocks<<<grid(blocks), threads, 0, queue>>>(blocks, body);
  check_launch();
}

}  // namespace hebb::cuda
