#pragma once

#include <cstddef>
#include <string>

#include "gpu/allocator.hpp"
#include "gpu/status.hpp"
#include "gpu/stream.hpp"

/// What the backend asks of CUDA's runtime. Failures are DeviceErrors (gpu/status.hpp). The tests
/// have another definition, of this CPU's memory (tests/gpu/emulation/).
namespace hebb::cuda {

Machine machine();
std::string device_name(int device);  ///< "NVIDIA H100 80GB HBM3, compute capability 9.0"
std::string library_versions();       ///< "driver 13.0, CUDA 13.0, cuBLASLt 13.1, cuDNN 9.19"

Stream create_stream(int device);
void synchronize(Stream stream);

/// Asynchronous, in the stream's order; both sides on the device.
void copy_on_device(Stream stream, void* to, const void* from, size_t bytes);
/// `from` may change once this returns.
void copy_to_device(Stream stream, void* to, const void* from, size_t bytes);
/// Waits.
void copy_to_host(Stream stream, void* to, const void* from, size_t bytes);

/// Zeroed memory that both sides see at this address. Never freed.
void* shared_memory(Stream stream, size_t bytes);

/// The device's memory, never destroyed.
BlockSource& device_memory(Stream stream);

}  // namespace hebb::cuda
