#include "gpu/convolutions.hpp"

#include <map>
#include <mutex>
#include <string>

#include "core/conv_policy.hpp"
#include "core/log_message.hpp"
#include "gpu/cudnn_graph.hpp"
#include "gpu/launch.hpp"

namespace hebb::cuda {
namespace {

void require(cudnnStatus_t status, const char* call) {
  if (status != CUDNN_STATUS_SUCCESS) fail_cudnn(status, call);
}

int64_t alignment_of(const void* p) {
  const uintptr_t address = reinterpret_cast<uintptr_t>(p) | 16;
  return int64_t(address & ~(address - 1));
}

PlanKey key_of(const Convolution& c) {
  return {.direction = c.direction,
          .dtype = c.dtype,
          .precision = c.precision,
          .policy = conv_policy(),
          .geometry = c.geometry,
          .alignment_x = alignment_of(c.x),
          .alignment_weight = alignment_of(c.weight),
          .alignment_y = alignment_of(c.y)};
}

}  // namespace

struct Convolutions::Plans {
  /// A plan, or that there is none.
  struct Entry {
    std::optional<Plan> plan;
    std::string name;
  };

  Stream stream;
  CachingAllocator& memory;
  std::mutex mutex;
  cudnnHandle_t handle = nullptr;
  std::map<PlanKey::Numbers, Entry> entries;

  Entry& entry(const Convolution& convolution) {
    const PlanKey key = key_of(convolution);
    if (const auto known = entries.find(key.numbers()); known != entries.end())
      return known->second;
    activate(stream);
    if (!handle) require(cudnnCreate(&handle), "cudnnCreate");
    Entry found{find_plan({.handle = handle}, key), ""};
    if (found.plan)
      found.name = "cudnn-" + std::to_string(found.plan->engine);
    else
      log_message(
          LogLevel::warning,
          "[conv2d] cuDNN has no plan in {} for {} to {} channels of {}x{} with kernels of {}x{}: "
          "{}",
          name_of(key.dtype), key.geometry.channels, key.geometry.filters, key.geometry.height,
          key.geometry.width, key.geometry.kernel_h, key.geometry.kernel_w,
          key.dtype == DType::bfloat16 ? "computed in float32" : "computed without it, slowly");
    return entries.emplace(key.numbers(), std::move(found)).first->second;
  }
};

Convolutions::Convolutions(Stream stream, CachingAllocator& memory)
    : plans_(new Plans{stream, memory, {}, nullptr, {}}) {}

Convolutions::~Convolutions() = default;

bool Convolutions::run(const Convolution& c) {
  Plans& plans = *plans_;
  const std::lock_guard lock(plans.mutex);
  const Plans::Entry& entry = plans.entry(c);
  if (!entry.plan) return false;
  const size_t bytes = size_t(entry.plan->workspace);
  void* workspace = bytes > 0 ? plans.memory.allocate(bytes) : nullptr;
  void* const pointers[] = {c.x, c.weight, c.y};
  const int64_t ids[] = {id_x, id_weight, id_y};
  Descriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, 3, pointers);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, 3, ids);
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, workspace);
  pack.finalize();
  const auto queue = static_cast<cudaStream_t>(activate(plans.stream));
  cudnnStatus_t status = cudnnSetStream(plans.handle, queue);
  if (status == CUDNN_STATUS_SUCCESS)
    status = cudnnBackendExecute(plans.handle, entry.plan->descriptor.raw(), pack.raw());
  // Whoever gets this memory next writes to it after the convolution, on the same stream.
  if (workspace) plans.memory.release(workspace, bytes);
  require(status, "cudnnBackendExecute");
  return true;
}

std::string_view Convolutions::engine(const Convolution& convolution) {
  const std::lock_guard lock(plans_->mutex);
  return plans_->entry(convolution).name;
}

}  // namespace hebb::cuda
