// CUDA's runtime as the tests have it: a device whose memory is this CPU's and whose stream is done
// before a call returns. Kernels run as loops (gpu/launch_host.hpp). What is captured is kept as
// closures, with all that they were told by value, and done by each launch of its graph; what CUDA
// refuses meanwhile is an error, and spoils the graph.
#include "gpu/runtime.hpp"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <utility>
#include <vector>

#include "gpu/launch.hpp"
#include "gpu/recording.hpp"
#include "tests/gpu/emulation/emulation.hpp"

namespace hebb::cuda {
namespace {

constexpr unsigned char guard = 0xa5;

struct Capture {
  std::vector<std::function<void()>> work;
  bool is_spoilt = false;
};
thread_local Capture* capture = nullptr;
thread_local void* captured_queue = nullptr;

void fail_in_capture(const char* call) {
  capture->is_spoilt = true;
  fail_status(Library::runtime, 900, "operation not permitted when stream is capturing", call);
}
void refuse_in_capture(const char* call) {
  if (capture) fail_in_capture(call);
}

/// New blocks and freed ones are full of NaN, and what a tensor may not touch is guarded: in the
/// stream's order, as a kernel would do it.
class EmulatedMemory final : public BlockSource {
 public:
  explicit EmulatedMemory(Stream stream) : stream_(stream) {}
  void* allocate(size_t bytes) override {
    if (emulation.refused_request > 0 && --emulation.refused_request == 0) return nullptr;
    return emulation.memory_left && bytes <= size_t(1) << 32
               ? std::aligned_alloc(CachingAllocator::unit, bytes)
               : nullptr;
  }
  void release(void* block) noexcept override { std::free(block); }
  size_t free_bytes() override { return 12345; }
  void synchronize() override { refuse_in_capture("cudaStreamSynchronize"); }
  void lent(void* block, size_t bytes, size_t block_bytes) override {
    ask(stream_, [=] {
      std::memset(block, 0xff, bytes);
      std::memset(static_cast<char*>(block) + bytes, guard, block_bytes - bytes);
    });
  }
  void returned(void* block, size_t bytes, size_t block_bytes) noexcept override {
    ask(stream_, [=] {
      const auto* memory = static_cast<const unsigned char*>(block);
      for (size_t i = bytes; i < block_bytes; ++i)
        if (memory[i] != guard) ++emulation.broken_guards;
      std::memset(block, 0xff, block_bytes);
    });
  }

 private:
  Stream stream_;
};

}  // namespace

Emulation emulation;

bool is_noted(Stream stream) { return capture && queue_of(stream) == captured_queue; }
void note(std::function<void()> work) { capture->work.push_back(std::move(work)); }

void* activate(Stream stream) { return queue_of(stream); }
void check_launch() {
  ++emulation.launches;
  if (capture && emulation.unrecordable > 0 && --emulation.unrecordable == 0)
    fail_in_capture("a kernel's launch");
}

Machine machine() { return {.driver = 13000, .runtime = 13000, .status = 0, .devices = 1}; }
std::string device_name(int) { return "emulated"; }
std::string library_versions() { return "no driver"; }

thread_local std::string emulated_address = "0000:01:00.0";
std::string device_address(int) { return emulated_address; }

// Their handles are numbers, and the first one is the backend's.
Stream create_stream(int device) {
  static std::atomic<intptr_t> count = 0;
  return {device, reinterpret_cast<void*>(count++)};
}

thread_local std::vector<std::pair<int, int>> emulated_order;
void wait_for(Stream stream, Stream other) {
  const auto number = [](Stream s) { return int(reinterpret_cast<intptr_t>(s.handle)); };
  emulated_order.emplace_back(number(stream), number(other));
}
void synchronize(Stream) {
  refuse_in_capture("cudaStreamSynchronize");
  ++emulation.waits;
}

void copy_on_device(Stream stream, void* to, const void* from, size_t bytes) {
  ++emulation.copies;
  if (bytes)  // nothing may have no address
    ask(stream, [=] { std::memcpy(to, from, bytes); });
}
void copy_to_device(Stream stream, void* to, const void* from, size_t bytes) {
  refuse_in_capture("cudaEventSynchronize");
  emulation.uploaded += bytes;
  copy_on_device(stream, to, from, bytes);
}
void copy_to_host(Stream stream, void* to, const void* from, size_t bytes) {
  refuse_in_capture("cudaStreamSynchronize");
  ++emulation.waits;
  copy_on_device(stream, to, from, bytes);
}

void* begin_capture(Stream stream) {
  refuse_in_capture("cudaStreamBeginCapture");
  capture = new Capture;
  return captured_queue = create_stream(stream.device).handle;
}
void* end_capture(Stream, void*) {
  Capture* const done = std::exchange(capture, nullptr);
  if (!done->is_spoilt) return ++emulation.graphs, done;
  delete done;
  fail_status(Library::runtime, 901, "operation failed due to a previous error during capture",
              "cudaStreamEndCapture");
}
void launch_graph(Stream, void* graph) {
  refuse_in_capture("cudaGraphLaunch");
  ++emulation.graph_launches;
  for (const std::function<void()>& work : static_cast<Capture*>(graph)->work) work();
}
void release_graph(void* graph) noexcept {
  emulation.graphs -= graph != nullptr;
  delete static_cast<Capture*>(graph);
}

void* shared_memory(Stream, size_t bytes) { return std::calloc(1, bytes); }
BlockSource& device_memory(Stream stream) { return *new EmulatedMemory(stream); }

}  // namespace hebb::cuda
