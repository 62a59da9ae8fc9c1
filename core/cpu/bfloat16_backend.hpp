#pragma once

#include "core/cpu/cpu_backend.hpp"

namespace hebb::cpu {

/// The CPU backend with bfloat16 (core/backend.hpp): primitives make float32 of it, compute, and
/// round what they give, but for those that the instruction set has kernels for.
class Bfloat16Backend final : public CpuBackend {
 public:
  using CpuBackend::CpuBackend;

  bool has_bfloat16() const override { return true; }
  Tensor unary(Unary op, const Tensor& x) override;
  Tensor unary_backward(Unary op, const Tensor& dy, const Tensor& saved) override;
  Tensor binary(Binary op, const Tensor& a, const Tensor& b, const Shape& shape) override;
  Tensor affine(const Tensor& x, double scale, double shift) override;
  void add_scaled(const Tensor& y, const Tensor& x, double scale) override;
  Tensor dropout(const Tensor& x, std::span<const DropoutMask> masks) override;
  Tensor reduce(Reduce op, const Tensor& x, const Shape& shape, uint32_t axes) override;
  Tensor sum_to(const Tensor& x, const Shape& shape) override;
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
  Tensor avg_pool2d(const Tensor& x, const Shape& shape, const Pool2dOptions& options) override;
  Tensor avg_pool2d_backward(const Tensor& dy, const Shape& shape,
                             const Pool2dOptions& options) override;
  WithSaved batch_norm(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const Tensor& residual, const Tensor& mean, const Tensor& variance,
                       const BatchNormOptions& options) override;
  NormGrads batch_norm_backward(const Tensor& dy, const Saved& saved, bool with_residual,
                                const BatchNormOptions& options) override;
  Tensor permute(const Tensor& x, const Shape& shape, std::span<const int> axes) override;

 private:
  bool has_kernels() const { return kernels().unit != Bfloat16Unit::none; }
  /// im2col where convolutions go by way of float32.
  ConvPath planes_path(ConvDirection direction, const ConvGeometry& g) const;
  /// float32 of bfloat16; all else as it is.
  Tensor wide(const Tensor& x);
  Tensor rounded(const Tensor& x);
  /// f(x), by way of float32 where x is of bfloat16.
  template <class F>
  Tensor in_float32(const Tensor& x, F f);
  /// What products with x multiply in a weight's place.
  Tensor factor(const Tensor& weight, const Tensor& x);
};

}  // namespace hebb::cpu
