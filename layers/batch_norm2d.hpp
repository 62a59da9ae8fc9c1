#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// What may follow a normalisation in the same pass over the memory: y = relu(norm(x) + residual).
struct NormTail {
  bool relu = false;
  Tensor residual = {};  ///< In x's shape, or undefined.
};

/// Batch normalisation (Ioffe and Szegedy 2015) of [S, C, H, W] for each channel: by the batch's
/// statistics when training, by the running ones otherwise. Parameters weight and bias (0) [C];
/// buffers running_mean (0) and running_var (1) [C].
class BatchNorm2d final : public Module {
 public:
  struct Options {
    int64_t channels;
    double epsilon = 1e-5;
    double momentum = 0.1;  ///< Share of the new batch in the running statistics.
    double weight = 1;      ///< What the weights start with.
  };
  /// ValueError for no channels, an epsilon that is not positive or a momentum outside [0, 1].
  explicit BatchNorm2d(const Options& options);

  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;
  Tensor forward(const Tensor& x, Context& context, const NormTail& tail) const;

  /// The weight and the bias of a convolution that does what one with `weight` [C, ...] and `bias`
  /// (which may be undefined) and this normalisation behind it do together at inference.
  struct Folded {
    Tensor weight, bias;
  };
  Folded fold(const Tensor& weight, const Tensor& bias) const;

 private:
  Tensor forward_over_ranks(const Tensor& x, const Context& context, const NormTail& tail) const;

  BatchNormOptions options_;
  Tensor weight_, bias_, running_mean_, running_var_;
};

}  // namespace hebb
