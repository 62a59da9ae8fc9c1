#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "core/backend.hpp"
#include "core/check.hpp"
#include "gpu/complaint.hpp"
#include "gpu/convolutions.hpp"
#include "gpu/kernels.hpp"
#include "gpu/products.hpp"
#include "gpu/runtime.hpp"

namespace hebb::cuda {

/// The CUDA backend of one device: makes tensors and launches kernels on their addresses, all on
/// one stream. Its members stand in the files named after their families.
class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int device);

  /// What is still in use on the device, for those that measure and test.
  CachingAllocator& memory() { return memory_; }
  Stream stream() const { return stream_; }

  std::string_view name() const override;
  std::string details() const override;
  Precision precision() const override { return precision_; }
  void set_precision(Precision precision) override { precision_ = precision; }
  bool has_bfloat16() const override { return true; }
  void synchronize() override;
  std::function<void()> record(std::function<void()> step) override;
  void* allocate(size_t bytes) override;
  void release(void* memory, size_t bytes) noexcept override;
  MemoryStats memory_stats() const override;
  void reset_peak_memory() override;
  void release_cached_memory() override;
  void copy_from_host(const Tensor& destination, const void* source) override;
  void copy_to_host(void* destination, const Tensor& source) override;
  void copy(const Tensor& destination, const Tensor& source) override;
  void fill(const Tensor& x, double value) override;
  Tensor cast(const Tensor& x, DType dtype) override;
  Tensor with_layout(const Tensor& x, Layout layout) override;
  void advance(const Tensor& counts, int64_t by) override;
  void make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                  const Tensor& cursor, const ImageSteps& steps, RandomKey key,
                  const Tensor& to_images, const Tensor& to_labels) override;
  void uniform(const Tensor& x, double lower, double upper, RandomKey key) override;
  void normal(const Tensor& x, double mean, double stddev, RandomKey key) override;
  void truncated_normal(const Tensor& x, double stddev, double limit, RandomKey key) override;
  Tensor unary(Unary op, const Tensor& x) override;
  Tensor unary_backward(Unary op, const Tensor& dy, const Tensor& saved) override;
  Tensor binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) override;
  Tensor affine(const Tensor& x, double scale, double shift) override;
  void add_scaled(const Tensor& y, const Tensor& x, double scale) override;
  Tensor scale_by(const Tensor& x, const Tensor& scalar) override;
  Tensor dropout(const Tensor& x, std::span<const DropoutMask> masks) override;
  Tensor reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) override;
  Tensor reduce_backward(Reduce op, const Tensor& dy, const Tensor& x, uint32_t axes) override;
  Tensor sum_to(const Tensor& x, const Shape& shape) override;
  WithIndices max(const Tensor& x, const Shape& shape, int axis, bool last) override;
  Tensor max_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                      int axis) override;
  Tensor count_equal(const Tensor& a, const Tensor& b) override;
  void accumulate(const Tensor& sums, std::span<const Weighted> terms) override;
  Tensor matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                const Shape& shape) override;
  Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
                const LinearOptions& options) override;
  Tensor linear_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape) override;
  WeightGrads linear_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight,
                                     bool with_bias) override;
  Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
                const Conv2dOptions& options) override;
  std::string_view conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                               const Shape& weight, const Shape& y,
                               const Conv2dOptions& options) override;
  Tensor conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape,
                               const Conv2dOptions& options) override;
  WeightGrads conv2d_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight,
                                     bool with_bias, const Conv2dOptions& options) override;
  WithIndices max_pool2d(const Tensor& x, const Shape& shape,
                         const Pool2dOptions& options) override;
  Tensor max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                             const Pool2dOptions& options) override;
  WithIndices conv2d_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                const Shape& convolved, const Shape& shape,
                                const ConvPoolOptions& options) override;
  ConvGrads conv2d_max_pool2d_backward(const Tensor& dy, const WithIndices& pooled, const Tensor& x,
                                       const Tensor& weight, const Shape& convolved,
                                       const ConvPoolOptions& options, ConvNeeds needs) override;
  Tensor avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) override;
  Tensor avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                             const Pool2dOptions& options) override;
  WithSaved batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Tensor& residual, const Tensor& mean, const Tensor& variance,
                       const BatchNormOptions& options) override;
  NormGrads batch_norm_backward(const Tensor& dy, const Saved& saved, bool with_residual,
                                const BatchNormOptions& options) override;
  Tensor softmax(const Tensor& x) override;
  Tensor softmax_backward(const Tensor& dy, const Tensor& y) override;
  Tensor log_softmax(const Tensor& x) override;
  Tensor log_softmax_backward(const Tensor& dy, const Tensor& y) override;
  WithGrad cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing,
                         bool with_grad) override;
  WithGrad cross_entropy_rows(const Tensor& logits, const Tensor& labels, const Tensor& weight,
                              double smoothing, std::optional<int64_t> ignored,
                              bool with_grad) override;
  WithGrad cross_entropy_soft(const Tensor& logits, const Tensor& targets, const Tensor& weights,
                              bool with_grad) override;
  Tensor concat(std::span<const Tensor> parts, const Shape& shape, int axis) override;
  Tensor narrow(const Tensor& x, const Shape& shape, int axis, int64_t begin) override;
  Tensor permute(const Tensor& x, const Shape& shape, std::span<const int> axes) override;
  Tensor gather_rows(const Tensor& x, const Tensor& indices, const Shape& shape) override;
  Tensor scatter_add_rows(const Tensor& dy, const Tensor& indices, const Shape& shape) override;
  Tensor gather(const Tensor& x, const Tensor& indices, int axis) override;
  Tensor scatter_add(const Tensor& dy, const Tensor& indices, const Shape& shape,
                     int axis) override;
  void sgd(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
           const SgdRule& rule) override;
  void adam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
            const AdamRule& rule) override;
  void nadam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
             const NadamRule& rule) override;
  Clip clip_scale(std::span<const Tensor> grads, double limit) override;
  void scale_all(std::span<const Tensor> x, const Tensor& scale) override;
  WithGrad bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                const Tensor& scales, bool with_dh, bool with_dweight) override;

 private:
  /// function.operator()<T>() with the type of a floating-point tensor's elements.
  template <class Function>
  static decltype(auto) dispatch(DType dtype, Function&& function) {
    if (dtype == DType::float32) return function.template operator()<float>();
    if (dtype == DType::float64) return function.template operator()<double>();
    fail<DTypeError>("[cuda] expected float32 or float64, got {}", name_of(dtype));
  }
  /// The same for what may be of bfloat16, too.
  template <class Function>
  static decltype(auto) dispatch_activations(DType dtype, Function&& function) {
    if (dtype == DType::bfloat16) return function.template operator()<BFloat16>();
    return dispatch(dtype, std::forward<Function>(function));
  }
  /// Of x's shape, type and layout.
  static Tensor empty_like(const Tensor& x) {
    return Tensor::empty(x.shape(), x.options(), x.layout());
  }
  /// y with its elements in x's order; an undefined tensor stays what it is.
  static Tensor in_layout_of(const Tensor& x, const Tensor& y) {
    return y.defined() ? y.with_layout(x.layout()) : y;
  }
  /// What parameters, their gradients and statistics are of, beside x.
  static TensorOptions parameter_options(const Tensor& x) {
    return {x.dtype() == DType::bfloat16 ? DType::float32 : x.dtype(), x.device()};
  }
  /// Numbers that kernels hand to each other.
  Tensor scratch(int64_t n) const {
    return Tensor::empty({n}, {DType::float64, Device::cuda(stream_.device)});
  }
  /// What `reduce` computes, into y, which it returns.
  Tensor reduce_to(const Tensor& y, Reduce op, const Tensor& x, uint32_t axes);
  /// With bf16 that is how networks are computed, and what is of float32 stays so.
  Precision float32_precision() const {
    return precision_ == Precision::bf16 ? Precision::fp32 : precision_;
  }
  // conv2d_bfloat16.cpp
  Tensor convolve(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
                  const Conv2dOptions& options);
  Tensor convolve_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape,
                                 const Conv2dOptions& options);
  void convolve_backward_weight(const Tensor& dy, const Tensor& x, const Tensor& dweight,
                                const Conv2dOptions& options);
  /// cuDNN's engine for bfloat16; empty where others take its place.
  std::string_view bfloat16_engine(ConvDirection direction, const ConvGeometry& g);
  /// Of all replicas, with channels side by side; false where cuDNN refuses.
  bool run_bfloat16(ConvDirection direction, const ConvGeometry& g, int64_t replicas,
                    const Tensor& x, const Tensor& weight, const Tensor& y);
  /// A batch of products; float32 by `precision`, bfloat16 with a result of it or of float32.
  Tensor multiply(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                  const Shape& shape, Precision precision, DType result);
  Tensor linear_of(const Tensor& x, const Tensor& weight, const Tensor& bias, const Shape& shape,
                   const LinearOptions& options, DType result);
  /// launch.operator()<T>(table, scalars) with the table of the slots that have gradients.
  template <class Launch>
  void update(std::span<const OptimizerSlot> slots, const StepScalars& scalars, Launch launch);
  /// Throws what kernels have complained about, and forgets it.
  void raise_complaint();

  const Stream stream_;
  const std::string name_;
  CachingAllocator memory_;
  Products products_;
  Convolutions convolutions_;
  Complaint* const complaint_;
  Precision precision_ = Precision::fp32;
  // Of the optimiser's last step: the table in device memory, and what it has.
  std::mutex table_mutex_;
  Tensor table_;
  std::vector<SlotRow> rows_, next_rows_;
};

template <class T>
T* data_of(const Tensor& x) {
  return static_cast<T*>(x.data());
}

/// The same, or null for an undefined tensor.
template <class T>
T* data_or_null(const Tensor& x) {
  return x.defined() ? data_of<T>(x) : nullptr;
}

}  // namespace hebb::cuda
