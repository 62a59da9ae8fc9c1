#pragma once

#include <cstdint>

#include "core/api.hpp"
#include "core/host_device.hpp"
#include "gpu/stream.hpp"

/// How kernels run. A kernel is a plain struct of pointers and numbers that says what one thread
/// does; it is run by a GPU or, for the tests, by loops on the CPU (tests/gpu/).
///
/// - for_each: `body(i)` for every i below n, in any order, each writing what no other touches.
/// - for_blocks: `body.phase(p, thread, shared, local)` for every thread of every block and every
///   p below `Body::phases`, with a barrier after each phase. `Body::Shared` is the block's,
///   `Body::Local` the thread's. What a thread reads of Shared was written in an earlier phase.
///
/// Grids depend on shapes alone, and nothing is added up in an order that time decides: results are
/// the same bits again, on every GPU.
namespace hebb::cuda {

inline constexpr int block_threads = 256;  // at most

struct Thread {
  int64_t block;  // its number
  int index;      // of the thread in its block
  int count;      // of threads in a block
};

/// Of a kernel's blocks, those that run at once; they go on by this many.
inline unsigned grid(int64_t blocks) {
  constexpr int64_t most = 1 << 16;
  return unsigned(blocks < most ? blocks : most);
}
inline int64_t blocks_for(int64_t n) { return (n + block_threads - 1) / block_threads; }
/// for_each: what a thread begins with, and the step to what it does next.
HEBB_HOST_DEVICE inline int64_t first_of(unsigned block, unsigned thread) {
  return int64_t(block) * block_threads + thread;
}
HEBB_HOST_DEVICE inline int64_t step_of(unsigned grid) { return int64_t(grid) * block_threads; }

struct Nothing {};  // for kernels that need no Shared or no Local

/// Makes the stream's device that of the calling thread, and says where its work goes (queue_of).
HEBB_API void* activate(Stream stream);
/// DeviceError when the last launch was refused.
void check_launch();

}  // namespace hebb::cuda

#ifdef __CUDACC__
#include "gpu/launch_device.hpp"
#else
#include "gpu/launch_host.hpp"
#endif
