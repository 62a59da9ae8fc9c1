#pragma once

/// HEBB_HOST_DEVICE marks functions that run on every device. On the CPU they are always inlined:
/// kernels are compiled for several instruction sets, and the linker would keep one copy for all.
#ifdef __CUDACC__
#define HEBB_HOST_DEVICE __host__ __device__
#else
#define HEBB_HOST_DEVICE [[gnu::always_inline]]
#endif
