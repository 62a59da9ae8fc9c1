#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "core/dtype.hpp"
#include "core/geometry.hpp"
#include "gpu/cudnn.hpp"

/// cuDNN's graph API for one operation, a convolution. Plans are made for the device of a handle
/// or, to look at, for one that a text describes.
namespace hebb::cuda {

/// Owns a descriptor.
class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : raw_(other.raw_) { other.raw_ = nullptr; }
  Descriptor& operator=(Descriptor&&) = delete;

  cudnnBackendDescriptor_t raw() const { return raw_; }
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
           const void* values);
  template <class T>
  void set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, T value) {
    set(name, type, 1, &value);
  }
  void set(cudnnBackendAttributeName_t name, const Descriptor& value) {
    set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, value.raw());
  }
  /// At most `room` values; returns how many there are.
  int64_t get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t room,
              void* values) const;
  void finalize();
  /// False where cuDNN refuses.
  bool try_finalize();

 private:
  cudnnBackendDescriptor_t raw_ = nullptr;
};

/// What plans are made for.
struct Target {
  cudnnHandle_t handle = nullptr;  // or
  const Descriptor* description = nullptr;
};
/// A device, from what CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION gives of one.
Descriptor describe_device(const std::string& json);

/// Everything that a plan depends on but for the device. Tensors of bfloat16 have their channels
/// side by side, [N, H, W, C] and [O, KH, KW, C] in memory, and sums are of float32: what is
/// computed is of bfloat16, too, since for another type cuDNN (9.19) has no engine that is there
/// from the start.
struct PlanKey {
  ConvDirection direction;
  DType dtype;
  Precision precision;  // of float32: fp32 or tf32
  ConvPolicy policy;
  ConvGeometry geometry;
  int64_t alignment_x = 16, alignment_weight = 16, alignment_y = 16;  // bytes

  using Numbers = std::array<int64_t, 22>;
  Numbers numbers() const;
};

struct Plan {
  Descriptor descriptor;
  int64_t engine;     // cuDNN's number of it
  int64_t workspace;  // bytes
  std::vector<cudnnBackendNumericalNote_t> notes;
};

/// The numbers that tensors have in plans.
enum TensorId : int64_t { id_x = 1, id_weight = 2, id_y = 3 };

/// The first engine of cuDNN's choice that keeps to the precision and to a fixed order of sums, and
/// whose workspace stays below 256 MiB; for bfloat16 the first with tensor cores, which cuDNN does
/// not always name first. None where there is none.
std::optional<Plan> find_plan(const Target& target, const PlanKey& key);

[[noreturn]] void fail_cudnn(cudnnStatus_t status, const char* call);

}  // namespace hebb::cuda
