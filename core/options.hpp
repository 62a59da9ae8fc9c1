#pragma once

#include <cstdint>

#include "core/api.hpp"

/// What operations, backends and the rooms above share of an operation's settings: plain data.
namespace HEBB_API hebb {

enum class Unary { neg, exp, log, sqrt, tanh, abs, relu, sigmoid, square };
/// Comparisons give 1 or 0; maximum and minimum are NaN where an operand is; keep is the first
/// operand where the second is not 0, else 0.
enum class Binary { add, sub, mul, div, pow, maximum, minimum, less, less_equal, equal, keep };
enum class Reduce { sum, mean, sum_abs, sum_square };

struct Conv2dOptions {
  int64_t stride_h = 1, stride_w = 1;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  int64_t groups = 1;  ///< Group g of the filters sees group g of the channels alone.
};

enum class ConvDirection { forward, backward_input, backward_weight };
/// Which algorithms convolutions may take (see core/conv_policy.hpp).
enum class ConvPolicy { fast, exact };
/// How float32 products and convolutions multiply (see core/precision.hpp).
enum class Precision { fp32, tf32, bf16 };

struct LinearOptions {
  bool relu = false;  ///< The result goes through a ReLU.
};

struct Pool2dOptions {
  int64_t kernel_h = 2, kernel_w = 2;
  int64_t stride_h = 2, stride_w = 2;
  int64_t pad_h = 0, pad_w = 0;
  int64_t dilation_h = 1, dilation_w = 1;
  bool ceil_mode = false;         ///< Extents are rounded up; no window begins behind the input.
  bool count_include_pad = true;  ///< Of averages: padding counts, as zeros.
};

/// A convolution, max-pooling of its result and, where asked for, a ReLU.
struct ConvPoolOptions {
  Conv2dOptions conv;
  Pool2dOptions pool;
  bool relu = false;
};

/// Batch normalisation of [N, C, H, W] over N, H and W.
struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  ///< Share of the new batch in the running statistics.
  bool training = true;   ///< By the batch's own statistics; otherwise by the running ones.
  bool relu = false;      ///< Of the result, with the residual added.
};

/// What happens to an image in a batch (see data/transforms.hpp).
struct ImageStep {
  enum class Kind { normalize, crop, mirror };
  static constexpr int most_channels = 4;
  Kind kind = Kind::normalize;
  float mean[most_channels] = {}, deviation[most_channels] = {};  // normalize
  int64_t padding = 0;                                            // crop
  float fill = 0;
  double probability = 0;  // mirror
};
/// One after the other.
struct ImageSteps {
  static constexpr int most = 8;
  int count = 0;
  ImageStep step[most];
};

/// Rules of optimisers, the same for all parameters; formulas as in PyTorch's torch.optim.
struct SgdRule {
  double momentum = 0;
  double dampening = 0;  // takes this share of the gradient away from the momentum buffer
  double weight_decay = 0;
  bool nesterov = false;
};
struct AdamRule {
  double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8;
  double weight_decay = 0;
  bool decoupled = false;  // AdamW: decay the weights, not the gradient
};
struct NadamRule {
  AdamRule adam;
  double momentum_decay = 4e-3;  // psi
};

/// What the rules come to for one parameter at one step (core/optimizer_steps.hpp).
struct SgdStep {
  double lr, momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false, first = false;  // first: the momentum buffer starts as the gradient
};
struct AdamStep {
  double lr, beta1, beta2, epsilon;
  double weight_decay = 0;
  double bias_correction1, bias_correction2;  // 1 - beta^t
  bool decoupled = false;
};
struct NadamStep {
  AdamStep adam;                   // whose bias_correction1 it does not use
  double mu, mu_next, mu_product;  // beta1 (1 - 0.96^(psi t) / 2) at t and t + 1, product up to t
};

enum class Divergence { squared, absolute };

/// BEAN's penalty of one dense layer (see regularizers/bean.hpp): F = |tanh(gamma W)|,
/// A = F Fᵀ (order 1) or its elementwise square (order 2), and
/// penalty = scale / divisor / (S N²) Σ_s Σ_ij A_ij d(h_si, h_sj).
struct BeanKernel {
  int order = 1;
  Divergence divergence = Divergence::squared;
  double gamma = 1;
  double scale = 1;    // alpha
  double divisor = 1;  // the normalisation by the layer's width
};

}  // namespace hebb
