#pragma once

#include <cstddef>
#include <string>

#include "core/api.hpp"
#include "gpu/allocator.hpp"
#include "gpu/status.hpp"
#include "gpu/stream.hpp"

/// What the backend asks of CUDA's runtime. Failures are DeviceErrors (gpu/status.hpp). The tests
/// have another definition, of this CPU's memory (tests/gpu/emulation/).
namespace hebb::cuda {

Machine machine();
std::string device_name(int device);  ///< "NVIDIA H100 80GB HBM3, compute capability 9.0"
std::string library_versions();       ///< "driver 13.0, CUDA 13.0, cuBLASLt 13.1, cuDNN 9.19"

/// Of its GPU, among those of this host: "0000:17:00.0".
HEBB_API std::string device_address(int device);

HEBB_API Stream create_stream(int device);
HEBB_API void synchronize(Stream stream);
/// What `stream` is asked for from now on begins when `other` has done what it was asked for.
HEBB_API void wait_for(Stream stream, Stream other);

/// Asynchronous, in the stream's order; both sides on the device.
HEBB_API void copy_on_device(Stream stream, void* to, const void* from, size_t bytes);
/// `from` may change once this returns.
void copy_to_device(Stream stream, void* to, const void* from, size_t bytes);
/// Waits.
void copy_to_host(Stream stream, void* to, const void* from, size_t bytes);

/// Zeroed memory that both sides see at this address. Never freed.
void* shared_memory(Stream stream, size_t bytes);

/// What this thread asks of the queue that comes back is noted and not done, until end_capture:
/// that gives what can be launched again and again, in memory that has to stay. CUDA refuses
/// meanwhile to wait; what it refuses ends in an error of end_capture.
void* begin_capture(Stream stream);
void* end_capture(Stream stream, void* queue);
void launch_graph(Stream stream, void* graph);
void release_graph(void* graph) noexcept;

/// The device's memory, never destroyed.
BlockSource& device_memory(Stream stream);

}  // namespace hebb::cuda
