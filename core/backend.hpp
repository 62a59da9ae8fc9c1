#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/inline_vector.hpp"
#include "core/optimizer_slot.hpp"
#include "core/options.hpp"
#include "core/parallel.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"
#include "core/weighted.hpp"

namespace HEBB_API hebb {

/// What a device can do. The operations in core/ops check all arguments before a backend sees them,
/// so that every device gives the same messages; backends check nothing but values that live in
/// device memory (labels, indices), and only where that needs no synchronisation. Operations work
/// out shapes, too: a `shape` is that of the result.
///
/// Where it says "or replicas", the operands may have one more axis in front, [R, ...], and so do
/// the results: what is computed for each is what is computed for it alone, on the CPU to the bit.
///
/// Where the device has bfloat16, activations and their gradients may be of it, beside parameters
/// of float32, in unary, binary's sum, affine, add_scaled, reduce and sum_to, dropout, linear,
/// convolutions, pooling, batch_norm, concat, narrow and permute, and in what goes back through
/// these. Results are then of bfloat16, rounded once, but for gradients of parameters and what
/// reduce gives, which are of float32. Linear and convolutions multiply numbers of bfloat16, to
/// which they round their weights; everything is added up in float32 at least. A GPU may round a
/// convolution before it adds the bias, and the gradient of its weight to bfloat16's numbers.
class Backend {
 public:
  struct WithGrad {  // a scalar and its derivatives, for an upstream gradient of 1
    Tensor value, grad, grad2;
  };
  struct WithIndices {
    Tensor values, indices;
  };
  /// What a backward pass needs of its forward pass: as many tensors as the backend likes, of
  /// which it alone knows the meaning.
  using Saved = InlineVector<Tensor, 4>;
  struct WithSaved {
    Tensor y;
    Saved saved;
  };
  struct NormGrads {
    Tensor dx, dweight, dbias, dresidual;
  };

  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;  ///< "cpu (v4)"
  /// What else a run's header says: the versions of drivers and libraries, and of float32 what is
  /// not plain. Empty when there is nothing.
  virtual std::string details() const { return ""; }
  virtual void synchronize() = 0;  ///< Waits for everything that was asked for.
  /// Of float32 (core/precision.hpp). ValueError for one that the device does not have.
  virtual Precision precision() const { return Precision::fp32; }
  virtual void set_precision(Precision precision);
  virtual bool has_bfloat16() const { return false; }
  /// What record_step (core/ops/record_step.hpp) promises: here, to call `step` each time.
  virtual std::function<void()> record(std::function<void()> step) { return step; }

  // Memory.
  virtual void* allocate(size_t bytes) = 0;
  virtual void release(void* memory, size_t bytes) noexcept = 0;
  virtual MemoryStats memory_stats() const = 0;
  virtual void reset_peak_memory() = 0;
  virtual void release_cached_memory() = 0;
  virtual void copy_from_host(const Tensor& destination, const void* source) = 0;
  virtual void copy_to_host(void* destination, const Tensor& source) = 0;
  virtual void copy(const Tensor& destination, const Tensor& source) = 0;  // same dtype
  virtual void fill(const Tensor& x, double value) = 0;
  virtual Tensor cast(const Tensor& x, DType dtype) = 0;
  /// x with its elements in another layout than they are: of backends that give such tensors, which
  /// are of bfloat16, and to which any of the primitives for it may be handed one.
  virtual Tensor with_layout(const Tensor& x, Layout layout);

  /// counts[i] += by, of int64.
  virtual void advance(const Tensor& counts, int64_t by) = 0;

  /// Samples `indices` of labelled images into a batch (core/ops/images.hpp). Sample i draws from
  /// block i 2^20 of the key on. With a cursor, int64 {place, seed, stream}, these are as many of
  /// the indices as the batch has, from that place on, and the key is {seed, stream}.
  virtual void make_batch(const Tensor& images, const Tensor& labels, const Tensor& indices,
                          const Tensor& cursor, const ImageSteps& steps, RandomKey key,
                          const Tensor& to_images, const Tensor& to_labels) = 0;

  // Random fillings: element i takes word i of the key (normal: pairs of words i/2*2, i/2*2+1).
  virtual void uniform(const Tensor& x, double lower, double upper, RandomKey key) = 0;
  virtual void normal(const Tensor& x, double mean, double stddev, RandomKey key) = 0;
  /// Normal numbers of mean 0 cut at ±limit standard deviations (by the inverse distribution).
  virtual void truncated_normal(const Tensor& x, double stddev, double limit, RandomKey key) = 0;

  // Elementwise.
  virtual Tensor unary(Unary op, const Tensor& x) = 0;
  /// `saved` is the input for log, abs and square, the output for the others, unused for neg.
  virtual Tensor unary_backward(Unary op, const Tensor& dy, const Tensor& saved) = 0;
  virtual Tensor binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) = 0;
  virtual Tensor affine(const Tensor& x, double scale, double shift) = 0;       // scale x + shift
  virtual void add_scaled(const Tensor& y, const Tensor& x, double scale) = 0;  // y += scale x
  /// x times a one-element tensor, or each part of x [R, ...] times its own of [R]; may return x
  /// itself when that is 1.
  virtual Tensor scale_by(const Tensor& x, const Tensor& scalar) = 0;
  /// Element i is kept, as x / (1 - p), where to_unit_float(word i) >= p.
  struct DropoutMask {
    double p = 0;
    RandomKey key = {};
  };
  /// x in as many equal parts as there are masks, each with its own.
  virtual Tensor dropout(const Tensor& x, std::span<const DropoutMask> masks) = 0;

  // Reductions. `axes` has bit i set for axis i; `shape` may leave reduced axes out or keep them.
  virtual Tensor reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) = 0;
  /// dy stretched back over the reduced axes; times 1/n, sign(x) or 2x as the operation asks: for
  /// the last two x has to be of dy's type, for the others its elements do not matter.
  virtual Tensor reduce_backward(Reduce op, const Tensor& dy, const Tensor& x, uint32_t axes) = 0;
  virtual Tensor sum_to(const Tensor& x, const Shape& shape) = 0;  // undoes broadcasting
  /// The first of equals, or the last.
  virtual WithIndices max(const Tensor& x, const Shape& shape, int axis, bool last) = 0;
  virtual Tensor max_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                              int axis) = 0;
  /// How many of two int64 tensors' elements are equal, as an int64 scalar.
  virtual Tensor count_equal(const Tensor& a, const Tensor& b) = 0;
  /// sums[i] += weight value of term i, in float64; a term may be undefined.
  virtual void accumulate(const Tensor& sums, std::span<const Weighted> terms) = 0;

  // Products.
  /// Of the matrices that the last two axes are, each transposed first where asked; other axes
  /// stretch to those of the result.
  virtual Tensor matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b,
                        const Shape& shape) = 0;
  /// x Wᵀ + bias for x [N, in], W [out, in], or replicas, through a ReLU where asked for; bias may
  /// be undefined.
  virtual Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Shape& shape, const LinearOptions& options) = 0;
  virtual Tensor linear_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape);
  struct WeightGrads {
    Tensor dweight, dbias;
  };
  /// dyᵀ x and, with_bias, the sum of dy's rows.
  virtual WeightGrads linear_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight,
                                             bool with_bias);

  // Convolution and pooling, NCHW; convolutions also of replicas.
  virtual Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const Shape& shape, const Conv2dOptions& options) = 0;
  /// The algorithm that the backend takes for a direction, by name: for those who measure.
  virtual std::string_view conv2d_path(ConvDirection direction, DType dtype, const Shape& x,
                                       const Shape& weight, const Shape& y,
                                       const Conv2dOptions& options) = 0;
  virtual Tensor conv2d_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape,
                                       const Conv2dOptions& options) = 0;
  virtual WeightGrads conv2d_backward_weight(const Tensor& dy, const Tensor& x, const Shape& weight,
                                             bool with_bias, const Conv2dOptions& options) = 0;
  virtual WithIndices max_pool2d(const Tensor& x, const Shape& shape,
                                 const Pool2dOptions& options) = 0;
  virtual Tensor max_pool2d_backward(const Tensor& dy, const Tensor& indices, const Shape& shape,
                                     const Pool2dOptions& options) = 0;
  /// max_pool2d of conv2d, through a ReLU where asked for, or replicas: `shape` has an axis for
  /// them, as has that of what conv2d gives, `convolved`, and not to be in memory for it is why
  /// this is here. `indices` are for the backward pass.
  virtual WithIndices conv2d_max_pool2d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                                        const Shape& convolved, const Shape& shape,
                                        const ConvPoolOptions& options);
  struct ConvGrads {
    Tensor dx, dweight, dbias;
  };
  struct ConvNeeds {  // which of them, of dweight and dbias one alone or both
    bool dx, dweight, dbias;
  };
  /// `pooled` is what the forward pass gave.
  virtual ConvGrads conv2d_max_pool2d_backward(const Tensor& dy, const WithIndices& pooled,
                                               const Tensor& x, const Tensor& weight,
                                               const Shape& convolved,
                                               const ConvPoolOptions& options, ConvNeeds needs);
  virtual Tensor avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) = 0;
  virtual Tensor avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                                     const Pool2dOptions& options) = 0;

  // Normalisation over N, H, W for each channel.
  /// y = (x - mean) / √(variance + epsilon) weight + bias + residual, with ReLU where asked for.
  /// Weight and bias [C], residual (like x) and, when training, mean and variance [C] may be
  /// undefined. Training takes the batch's mean and biased variance, and moves `mean` and
  /// `variance`: running = (1 - momentum) running + momentum batch, with the unbiased variance.
  /// All tensors are detached, so that they may be saved.
  virtual WithSaved batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                               const Tensor& residual, const Tensor& mean, const Tensor& variance,
                               const BatchNormOptions& options) = 0;
  /// dweight and dbias even where these are undefined; dresidual only `with_residual`, and it may
  /// be dy itself.
  virtual NormGrads batch_norm_backward(const Tensor& dy, const Saved& saved, bool with_residual,
                                        const BatchNormOptions& options) = 0;

  // Classification, over the last axis.
  virtual Tensor softmax(const Tensor& x) = 0;
  virtual Tensor softmax_backward(const Tensor& dy, const Tensor& y) = 0;
  virtual Tensor log_softmax(const Tensor& x) = 0;
  virtual Tensor log_softmax_backward(const Tensor& dy, const Tensor& y) = 0;
  /// Mean over rows of the cross-entropy of softmax(logits) [N, C] against labels (int64 [N]),
  /// smoothed: (1 - smoothing) one-hot + smoothing / C. `grad` is its derivative. Or replicas,
  /// whose means are [R].
  virtual WithGrad cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing,
                                 bool with_grad) = 0;
  /// The same for each row, [N], with its derivative to the row in `grad`; terms of class c are
  /// weighted by weight[c] (may be undefined). `grad2` is the weights of the rows' labels, [N].
  /// Rows of the label `ignored` have zeros for all three.
  virtual WithGrad cross_entropy_rows(const Tensor& logits, const Tensor& labels,
                                      const Tensor& weight, double smoothing,
                                      std::optional<int64_t> ignored, bool with_grad) = 0;
  /// The mean against distributions [N, C], each row weighted by weights [N] (may be undefined).
  virtual WithGrad cross_entropy_soft(const Tensor& logits, const Tensor& targets,
                                      const Tensor& weights, bool with_grad) = 0;

  // Layout.
  virtual Tensor concat(std::span<const Tensor> parts, const Shape& shape, int axis) = 0;
  virtual Tensor narrow(const Tensor& x, const Shape& shape, int axis, int64_t begin) = 0;
  /// Axis axes[i] of x becomes axis i of the result.
  virtual Tensor permute(const Tensor& x, const Shape& shape, std::span<const int> axes) = 0;
  /// Negative indices count from the end, here and below.
  virtual Tensor gather_rows(const Tensor& x, const Tensor& indices, const Shape& shape) = 0;
  virtual Tensor scatter_add_rows(const Tensor& dy, const Tensor& indices, const Shape& shape) = 0;
  /// Elements of x along an axis, one for each index.
  virtual Tensor gather(const Tensor& x, const Tensor& indices, int axis) = 0;
  virtual Tensor scatter_add(const Tensor& dy, const Tensor& indices, const Shape& shape,
                             int axis) = 0;

  // Optimisers, in place, of all parameters that have a gradient (core/optimizer_slot.hpp). Each
  // step adds 1 to `steps` and goes by the sum. Gradients may be changed, where they are scaled.
  virtual void sgd(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                   const SgdRule& rule) = 0;
  virtual void adam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                    const AdamRule& rule) = 0;
  virtual void nadam(std::span<const OptimizerSlot> slots, const StepScalars& scalars,
                     const NadamRule& rule) = 0;
  struct Clip {
    Tensor norm, scale;  // float64 scalars
  };
  /// The gradients' common 2-norm, and limit / (norm + 1e-6), at most 1.
  virtual Clip clip_scale(std::span<const Tensor> grads, double limit) = 0;
  virtual void scale_all(std::span<const Tensor> x, const Tensor& scale) = 0;  // in place

  // BEAN: h [S, N], weight [M, N] (row m holds the weights into neuron m of the next layer).
  // grad is with respect to h, grad2 with respect to weight, each undefined unless asked for. Or
  // replicas, whose penalties are [R], with scales of their own, float64 [R], where these are
  // defined.
  virtual WithGrad bean(const Tensor& h, const Tensor& weight, const BeanKernel& kernel,
                        const Tensor& scales, bool with_dh, bool with_dweight) = 0;
};

/// The backend of a device; DeviceError when this build or this machine has none.
Backend& backend_for(Device device);

/// A backend in use: subnormal floats are flushed to zero until the end of the expression.
class ActiveBackend {
 public:
  explicit ActiveBackend(Backend& backend) : backend_(backend) {}
  Backend* operator->() const { return &backend_; }

 private:
  Backend& backend_;
  FlushSubnormals flush_;
};

inline ActiveBackend backend_of(const Tensor& x) { return ActiveBackend(backend_for(x.device())); }

/// The CUDA backend of a device, or a DeviceError that says why there is none. Defined in gpu/ or,
/// for builds without CUDA, in gpu/none/.
Backend& cuda_backend(int index);

namespace cpu {
Backend& backend();  ///< With the best kernels that this machine's processor can run.
std::span<const std::string_view> instruction_sets();  ///< Those compiled in, worst first.
}  // namespace cpu

}  // namespace hebb
