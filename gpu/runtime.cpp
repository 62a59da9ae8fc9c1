#include "gpu/runtime.hpp"

#include <cuda_runtime_api.h>

#include <array>
#include <cstring>
#include <mutex>
#include <vector>

#include "core/check.hpp"
#include "gpu/cublas_lt.hpp"
#include "gpu/cudnn.hpp"
#include "gpu/launch.hpp"
#include "gpu/recording.hpp"

namespace hebb::cuda {
namespace {

void require(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // or the next launch would be blamed for it
  fail_status(Library::runtime, status, cudaGetErrorString(status), call);
}

cudaStream_t raw(Stream stream) { return static_cast<cudaStream_t>(activate(stream)); }

/// Within its life CUDA lets this thread ask for memory while it records.
class Relaxed {
 public:
  Relaxed() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~Relaxed() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  Relaxed(const Relaxed&) = delete;
  Relaxed& operator=(const Relaxed&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;
};

/// Pinned pieces of memory that copies to a device go through, in turn: the CPU fills one while
/// others are read.
class Staging {
 public:
  void copy(Stream stream, char* to, const char* from, size_t bytes) {
    const std::lock_guard lock(mutex_);
    while (bytes > 0) {
      Piece& piece = pieces_[next_];
      next_ = (next_ + 1) % pieces_.size();
      const size_t n = bytes < piece_bytes ? bytes : piece_bytes;
      if (piece.memory) {
        require(cudaEventSynchronize(piece.read), "cudaEventSynchronize");
      } else {
        require(cudaEventCreateWithFlags(&piece.read, cudaEventDisableTiming), "cudaEventCreate");
        require(cudaHostAlloc(&piece.memory, piece_bytes, cudaHostAllocDefault), "cudaHostAlloc");
      }
      std::memcpy(piece.memory, from, n);
      require(cudaMemcpyAsync(to, piece.memory, n, cudaMemcpyHostToDevice, raw(stream)),
              "cudaMemcpyAsync");
      require(cudaEventRecord(piece.read, raw(stream)), "cudaEventRecord");
      to += n, from += n, bytes -= n;
    }
  }

 private:
  static constexpr size_t piece_bytes = size_t(1) << 20;
  struct Piece {
    void* memory = nullptr;
    cudaEvent_t read = nullptr;
  };
  std::mutex mutex_;
  std::array<Piece, 8> pieces_;
  size_t next_ = 0;
};

constexpr int most_devices = 64;

/// Streams to record on. None is destroyed, since libraries remember the last that they were told.
class CaptureQueues {
 public:
  Stream take(int device) {
    const std::lock_guard lock(mutex_);
    if (unused_.empty()) return create_stream(device);
    void* queue = unused_.back();
    unused_.pop_back();
    return {device, queue};
  }
  void give_back(void* queue) {
    const std::lock_guard lock(mutex_);
    unused_.push_back(queue);
  }

 private:
  std::mutex mutex_;
  std::vector<void*> unused_;
};

Staging& staging(int device) {
  static std::array<Staging, most_devices>* all = new std::array<Staging, most_devices>;
  return (*all)[size_t(device)];
}

CaptureQueues& capture_queues(int device) {
  static auto* all = new std::array<CaptureQueues, most_devices>;
  return (*all)[size_t(device)];
}

class DeviceMemory final : public BlockSource {
 public:
  explicit DeviceMemory(Stream stream) : stream_(stream) {}

  void* allocate(size_t bytes) override {
    activate(stream_);
    const Relaxed relaxed;
    void* block = nullptr;
    const cudaError_t status = cudaMalloc(&block, bytes);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      return nullptr;
    }
    require(status, "cudaMalloc");
    return block;
  }
  void release(void* block) noexcept override { cudaFree(block); }
  size_t free_bytes() override {
    size_t free = 0, total = 0;
    activate(stream_);
    require(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
    return free;
  }
  void synchronize() override { cuda::synchronize(stream_); }
  void lent(void*, size_t, size_t) override {}
  // Debug builds make NaN of what is freed. After the driver's end this fails, and is not missed.
  void returned([[maybe_unused]] void* block, size_t,
                [[maybe_unused]] size_t block_bytes) noexcept override {
#ifndef NDEBUG
    cudaMemsetAsync(block, 0xff, block_bytes, static_cast<cudaStream_t>(queue_of(stream_)));
#endif
  }

 private:
  Stream stream_;
};

}  // namespace

void* activate(Stream stream) {
  thread_local int active = -1;
  if (active != stream.device) require(cudaSetDevice(stream.device), "cudaSetDevice");
  active = stream.device;
  return queue_of(stream);
}

void check_launch() { require(cudaGetLastError(), "a kernel's launch"); }

Machine machine() {
  Machine m{};
  cudaDriverGetVersion(&m.driver);
  cudaRuntimeGetVersion(&m.runtime);
  m.status = cudaGetDeviceCount(&m.devices);
  if (m.status != cudaSuccess) m.devices = 0;
  cudaGetLastError();
  return m;
}

std::string device_name(int device) {
  cudaDeviceProp properties;
  require(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return fmt::format("{}, compute capability {}.{}", properties.name, properties.major,
                     properties.minor);
}

std::string device_address(int device) {
  char address[32] = "";
  require(cudaDeviceGetPCIBusId(address, sizeof address, device), "cudaDeviceGetPCIBusId");
  return address;
}

std::string library_versions() {
  const Machine m = machine();
  const size_t blas = cublasLtGetVersion(), dnn = cudnnGetVersion();
  return fmt::format("driver {}, CUDA {}, cuBLASLt {}.{}, cuDNN {}.{}", version_text(m.driver),
                     version_text(m.runtime), blas / 10000, blas / 100 % 100, dnn / 10000,
                     dnn / 100 % 100);
}

Stream create_stream(int device) {
  check<DeviceError>(device < most_devices, "[cuda] expected at most {} devices, got cuda:{}",
                     most_devices, device);
  cudaStream_t stream = nullptr;
  activate({device, nullptr});
  require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  return {device, stream};
}

void synchronize(Stream stream) {
  require(cudaStreamSynchronize(raw(stream)), "cudaStreamSynchronize");
}

void wait_for(Stream stream, Stream other) {
  cudaEvent_t event = nullptr;
  const cudaStream_t queue = raw(stream), before = raw(other);
  require(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "cudaEventCreate");
  const cudaError_t recorded = cudaEventRecord(event, before);
  const cudaError_t waits =
      recorded == cudaSuccess ? cudaStreamWaitEvent(queue, event) : cudaSuccess;
  cudaEventDestroy(event);  // once it has come, as CUDA promises
  require(recorded, "cudaEventRecord");
  require(waits, "cudaStreamWaitEvent");
}

void copy_on_device(Stream stream, void* to, const void* from, size_t bytes) {
  if (bytes == 0) return;
  require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, raw(stream)),
          "cudaMemcpyAsync");
}

void copy_to_device(Stream stream, void* to, const void* from, size_t bytes) {
  activate(stream);
  staging(stream.device)
      .copy(stream, static_cast<char*>(to), static_cast<const char*>(from), bytes);
}

void copy_to_host(Stream stream, void* to, const void* from, size_t bytes) {
  if (bytes > 0)
    require(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, raw(stream)),
            "cudaMemcpyAsync");
  synchronize(stream);
}

void* shared_memory(Stream stream, size_t bytes) {
  activate(stream);
  void* memory = nullptr;
  require(cudaHostAlloc(&memory, bytes, cudaHostAllocMapped), "cudaHostAlloc");
  std::memset(memory, 0, bytes);
  return memory;
}

void* begin_capture(Stream stream) {
  const Stream queue = capture_queues(stream.device).take(stream.device);
  require(cudaStreamBeginCapture(raw(queue), cudaStreamCaptureModeThreadLocal),
          "cudaStreamBeginCapture");
  return queue.handle;
}

void* end_capture(Stream stream, void* queue) {
  cudaGraph_t noted = nullptr;
  cudaGraphExec_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(raw({stream.device, queue}), &noted);
  const cudaError_t made =
      ended == cudaSuccess ? cudaGraphInstantiate(&graph, noted, 0) : cudaSuccess;
  if (noted) cudaGraphDestroy(noted);
  capture_queues(stream.device).give_back(queue);
  require(ended, "cudaStreamEndCapture");
  require(made, "cudaGraphInstantiate");
  return graph;
}

void launch_graph(Stream stream, void* graph) {
  require(cudaGraphLaunch(static_cast<cudaGraphExec_t>(graph), raw(stream)), "cudaGraphLaunch");
}

void release_graph(void* graph) noexcept {
  if (graph) cudaGraphExecDestroy(static_cast<cudaGraphExec_t>(graph));
}

BlockSource& device_memory(Stream stream) { return *new DeviceMemory(stream); }

}  // namespace hebb::cuda
