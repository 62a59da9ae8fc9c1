#include <array>
#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>

#include "gpu/cuda_backend.hpp"
#include "gpu/recording.hpp"

namespace hebb {
namespace cuda {
namespace {

// HEBB_CUDA_GRAPHS=0 is for those who look for a mistake.
bool repeats_steps() {
  const char* wanted = std::getenv("HEBB_CUDA_GRAPHS");
  return !wanted || std::string_view(wanted) != "0";
}

}  // namespace

CudaBackend::CudaBackend(int device)
    : stream_(create_stream(device)),
      name_(fmt::format("cuda:{} ({})", device, device_name(device))),
      memory_(device_memory(stream_)),
      products_(stream_, memory_),
      convolutions_(stream_, memory_),
      complaint_(static_cast<Complaint*>(shared_memory(stream_, sizeof(Complaint)))) {}

std::string_view CudaBackend::name() const { return name_; }

std::string CudaBackend::details() const {
  return fmt::format("{}, float32 {} TF32, steps {}", library_versions(),
                     precision_ == Precision::tf32 ? "by" : "without",
                     repeats_steps() ? "recorded and repeated" : "not recorded");
}

std::function<void()> CudaBackend::record(std::function<void()> step) {
  if (!repeats_steps()) return step;
  // One for each precision: what was recorded under another multiplies as it did then.
  struct Recordings {
    std::function<void()> step;
    std::map<Precision, RecordedStep> of = {};
  };
  const auto recordings = std::make_shared<Recordings>(Recordings{std::move(step), {}});
  return [this, recordings] {
    recordings->of.try_emplace(precision_, stream_, memory_, [r = recordings.get()] { r->step(); })
        .first->second.run();
  };
}

}  // namespace cuda

cuda::Stream cuda::stream_of(int device) {
  return static_cast<CudaBackend&>(cuda_backend(device)).stream();
}

int cuda_device_count() {
  const cuda::Machine machine = cuda::machine();
  return cuda::why_no_device(machine, 0).empty() ? machine.devices : 0;
}

// Made at first use and never destroyed: statics free tensors to the very end.
Backend& cuda_backend(int index) {
  constexpr int most = 64;
  static std::array<std::atomic<cuda::CudaBackend*>, most> backends;
  if (index < most)
    if (cuda::CudaBackend* backend = backends[size_t(index)].load(std::memory_order_acquire))
      return *backend;
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const std::string reason = cuda::why_no_device(cuda::machine(), index);
  check<DeviceError>(reason.empty() && index < most, "[device] cuda:{} is not there: {}", index,
                     reason.empty() ? "Hebb knows 64 devices" : reason);
  std::atomic<cuda::CudaBackend*>& backend = backends[size_t(index)];
  if (!backend.load()) backend.store(new cuda::CudaBackend(index), std::memory_order_release);
  return *backend.load();
}

}  // namespace hebb
