#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/device.hpp"
#include "core/dtype.hpp"
#include "core/error.hpp"
#include "core/shape.hpp"
#include "core/storage.hpp"

namespace HEBB_API hebb {

class Node;
class Backend;

struct TensorOptions {
  DType dtype = DType::float32;
  Device device = {};
};

/// How a tensor's elements lie in memory: by rows, but for images [N, C, H, W] or [R, N, C, H, W]
/// inside a network, which a backend may give as it likes to read them, with the channels of a
/// position side by side. Only backends see which: shapes are the same, and elements are read and
/// copied by rows.
enum class Layout : uint8_t { row_major, channels_last };

/// A handle to an array of numbers on a device: shared storage, shape, element type, and, when it
/// takes part in a differentiable computation, a gradient and the graph node that made it.
///
/// Elements are contiguous, always. `reshape` and `slice` look into the same storage (or, where
/// that is not row-major, a copy's); every other change of layout copies. Copies of a handle mean
/// the same tensor. The operations are free functions in core/ops.
class Tensor {
 public:
  Tensor() = default;  ///< No tensor; `defined()` is false.

  static Tensor empty(const Shape& shape, TensorOptions options = {},
                      Layout layout = Layout::row_major);  ///< Uninitialised.
  static Tensor full(const Shape& shape, double value, TensorOptions options = {});
  static Tensor zeros(const Shape& shape, TensorOptions options = {}) {
    return full(shape, 0, options);
  }
  static Tensor ones(const Shape& shape, TensorOptions options = {}) {
    return full(shape, 1, options);
  }
  static Tensor scalar(double value, TensorOptions options = {}) {
    return full({}, value, options);
  }
  /// Copies `values` (row-major); ShapeError when their number is not the shape's.
  template <Element T>
  static Tensor from(std::span<const T> values, const Shape& shape, Device device = {}) {
    return from_bytes(values.data(), int64_t(values.size()), shape, dtype_of<T>, device);
  }
  template <Element T>
  static Tensor from(const std::vector<T>& values, const Shape& shape, Device device = {}) {
    return from(std::span<const T>(values), shape, device);
  }

  bool defined() const { return bool(body_); }
  const Shape& shape() const;
  int rank() const { return shape().rank(); }
  int64_t size(int axis) const { return shape()[axis]; }
  int64_t numel() const { return shape().numel(); }
  DType dtype() const;
  Device device() const;
  size_t bytes() const { return size_t(numel()) * size_of(dtype()); }
  TensorOptions options() const { return {dtype(), device()}; }
  std::string to_string() const;  ///< "float32 [2, 3] on cpu", for messages.

  /// The elements of a tensor on the CPU, to read and write in place. DTypeError when T is not
  /// the element type, DeviceError when the tensor is elsewhere (copy it with `to` first).
  template <Element T>
  std::span<T> host() const {
    require_host(dtype_of<T>);
    return {static_cast<T*>(data()), size_t(numel())};
  }
  /// A copy of the elements, from any device.
  template <Element T>
  std::vector<T> to_vector() const {
    require_dtype(dtype_of<T>);
    std::vector<T> values(static_cast<size_t>(numel()));
    copy_to_host(values.data());
    return values;
  }
  /// The one element of a tensor of any type, converted; waits for the device. ShapeError when
  /// there is not exactly one.
  double item() const;

  /// The same tensor on another device, or with another element type; itself when nothing
  /// changes. Differentiable.
  Tensor to(Device device) const;
  Tensor to(DType dtype) const;
  Tensor clone() const;   ///< A copy with storage of its own, outside any graph.
  Tensor detach() const;  ///< The same storage, outside any graph.
  /// Copies the elements of `source` (same shape, any device and dtype) into this tensor.
  void copy_from(const Tensor& source) const;
  void fill(double value) const;

  /// The same elements under another shape; one extent may be -1. Differentiable.
  Tensor reshape(const Shape& shape) const;
  Tensor reshape(std::initializer_list<int64_t> extents) const;
  /// Rows [begin, end) along the first axis, sharing storage. Differentiable.
  Tensor slice(int64_t begin, int64_t end) const;

  // Automatic differentiation, see core/autograd.hpp.

  /// Whether operations on this tensor are recorded: it is a leaf that asks for a gradient, or
  /// came from one.
  bool requires_grad() const;
  /// Makes a leaf ask for a gradient. DTypeError unless it is floating point.
  Tensor& set_requires_grad(bool value = true);
  /// The gradient that `backward` accumulated in this leaf; undefined before.
  Tensor grad() const;
  void set_grad(Tensor gradient) const;
  void zero_grad() const { set_grad({}); }
  /// Accumulates in every leaf's `grad` the derivative of this one-element tensor, and frees the
  /// graph unless `retain_graph`. See core/autograd.hpp.
  void backward(bool retain_graph = false) const;

  // For backends and the engine.

  /// Address of the first element on the tensor's device.
  void* data() const;
  const Ref<Node>& node() const;
  /// Whether this handle is the only one to its storage.
  bool owns_storage() const;
  Layout layout() const;
  /// This tensor, or one with its elements in that layout, outside any graph.
  Tensor with_layout(Layout wanted) const;
  Tensor row_major() const { return with_layout(Layout::row_major); }
  /// A handle to the same storage from element `first` on, outside any graph; of what is not
  /// row-major, and not as a whole, to a copy's.
  Tensor view(const Shape& shape, int64_t first = 0) const;

  struct Body;
  Body* body() const { return body_.get(); }
  explicit Tensor(Ref<Body> body) : body_(std::move(body)) {}

 private:
  static Tensor from_bytes(const void* values, int64_t count, const Shape& shape, DType dtype,
                           Device device);
  void require_dtype(DType dtype) const;
  void require_host(DType dtype) const;
  void copy_to_host(void* destination) const;

  Ref<Body> body_;
};

struct Tensor::Body final : RefCounted {
  ~Body() override;
  Body(Ref<Storage> storage, int64_t offset, const Shape& shape, DType dtype,
       Layout layout = Layout::row_major);

  Ref<Storage> storage;
  int64_t offset;  // bytes
  Shape shape;
  DType dtype;
  Layout layout;
  bool requires_grad = false;
  Tensor grad;
  Ref<Node> node;
};

inline const Shape& Tensor::shape() const { return body_->shape; }
inline DType Tensor::dtype() const { return body_->dtype; }
inline Layout Tensor::layout() const { return body_->layout; }
inline Device Tensor::device() const { return body_->storage->device(); }
inline bool Tensor::requires_grad() const { return body_->requires_grad || body_->node; }
inline const Ref<Node>& Tensor::node() const { return body_->node; }
inline void* Tensor::data() const {
  return static_cast<char*>(body_->storage->data()) + body_->offset;
}
inline bool Tensor::owns_storage() const { return body_->unique() && body_->storage->unique(); }

}  // namespace hebb
