#pragma once

#include <string>
#include <vector>

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/options.hpp"
#include "regularizers/regularizer.hpp"

namespace HEBB_API hebb {

/// How the correlation of two neurons depends on M, the width of the layer that they feed.
enum class Normalization {
  paper,           ///< Over M (order 1, Eq. 5) or M² (order 2, Eq. 7).
  published_code,  ///< Not at all: the alpha of this form is paper's over M or M², layer by layer.
};

const Choices<Normalization>& known_normalizations();
const Choices<Divergence>& known_divergences();

struct BeanOptions {
  int order = 1;     ///< 1: neurons share targets (Eq. 5). 2: pairs of them, 4-cycles (Eq. 7).
  double alpha = 1;  ///< Strength, finite and at least 0; 0 leaves the penalty out.
  /// In its place, of each of R replicas: float64 [R], on the network's device.
  Tensor alphas = {};
  double gamma = 1;  ///< Steepness of |tanh(gamma W)|, over 0 (Eq. 3).
  Divergence divergence = Divergence::squared;
  Normalization normalization = Normalization::paper;
  /// Paths of dense layers, or globs ("fc*"). Empty: every dense layer that neurons feed, that is
  /// all but those on raw pixels. "+" and "," join names in texts and are part of none.
  std::vector<std::string> layers = {};
};

/// Biologically-enhanced artificial neuronal assembly regularization (Gao, Ascoli and Zhao):
/// neurons with strong connections to the same targets are drawn towards the same activation.
/// For each dense layer with inputs h [S, N] and weights W [M, N],
///
///   alpha / (S N²) Σ_s Σ_ij A_ij d(h_si, h_sj)                                        (Eq. 1)
///
/// where A = F Fᵀ / M (order 1) or (F Fᵀ)∘(F Fᵀ) / M² (order 2), F = |tanh(gamma Wᵀ)| and d is the
/// squared or absolute difference; summed over the layers. Gradients go to h and to W. Costs
/// O(S N M) for order 1; never takes S×N×N memory.
///
/// It is a mean over samples: where ranks or parts share a batch, each computes it of its own S
/// samples, and the mean weighted by their numbers, which the trainer takes, is that of all.
class Bean final : public Regularizer {
 public:
  /// ValueError for options out of range, or layers that the name could not say.
  explicit Bean(BeanOptions options = {});

  std::string name() const override;
  /// ValueError when one of the options' layers matches no tap.
  Tensor penalty(std::span<const DenseTap> taps) const override;
  const BeanOptions& options() const { return options_; }

 private:
  BeanOptions options_;
};

}  // namespace hebb
