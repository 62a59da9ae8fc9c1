#pragma once

#include <string>

#include "core/backend.hpp"
#include "core/check.hpp"
#include "core/cpu/kernels.hpp"

namespace hebb::cpu {

/// The CPU backend: makes tensors and hands their addresses to the kernels of an instruction set.
/// Its members stand in the files named after their families.
class CpuBackend : public Backend {
 public:
  CpuBackend(std::string_view isa, const KernelTable& kernels);

  std::string_view name() const override;
  Precision precision() const override { return precision_; }
  void set_precision(Precision precision) override;
  void synchronize() override;
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

 protected:
  const KernelTable& kernels() const { return kernels_; }
  static std::string_view name_of(ConvPath path);

 private:
  /// function(kernels) with the kernels for the type of a floating-point tensor's elements.
  template <class Function>
  decltype(auto) dispatch(DType dtype, Function&& function) const {
    if (dtype == DType::float32) return function(kernels_.float32);
    if (dtype == DType::float64) return function(kernels_.float64);
    fail<DTypeError>("[cpu] expected float32 or float64, got {}", hebb::name_of(dtype));
  }

  /// What multiplies factors that the precision has rounded to bfloat16.
  Bfloat16Unit unit() const {
    return precision_ == Precision::bf16 ? kernels_.unit : Bfloat16Unit::none;
  }
  /// Multiplies two matrices, as `plain` does where factors are not rounded.
  template <class T>
  void multiply_one(const Kernels<T>& kernels, void (*plain)(const Product<T>&),
                    const Product<T>& product) const {
    if (unit() != Bfloat16Unit::none && kernels.bfloat16)
      kernels.bfloat16(unit(), product);
    else
      plain(product);
  }
  void begin_step(std::span<const OptimizerSlot> slots, const StepScalars& scalars);

  const std::string name_;
  const KernelTable kernels_;
  Precision precision_ = Precision::fp32;
};

/// function(r) for each replica, on several threads where there are several: what it calls then has
/// one thread. There is one where tensors have no axis for replicas.
template <class Function>
void for_replicas(int64_t replicas, Function&& function) {
  parallel_for(replicas, 1, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) function(r);
  });
}

template <class T>
T* data_of(const Tensor& x) {
  return static_cast<T*>(x.data());
}

/// The same, or null for an undefined tensor.
template <class T>
T* data_or_null(const Tensor& x) {
  return x.defined() ? data_of<T>(x) : nullptr;
}

/// A tensor in equal parts, one for each replica; nothing for one that is undefined.
template <class T>
struct Parts {
  T* first;
  int64_t size;

  Parts(const Tensor& x, int64_t replicas)
      : first(data_or_null<T>(x)), size(x.defined() ? x.numel() / replicas : 0) {}
  T* operator[](int64_t r) const { return first + r * size; }
};

}  // namespace hebb::cpu
