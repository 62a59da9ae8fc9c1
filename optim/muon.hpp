#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "optim/optimizer.hpp"

namespace HEBB_API hebb {

struct MuonOptions {
  double lr = 2e-2;
  double momentum = 0.95;
  bool nesterov = true;
  double weight_decay = 0;  ///< Parameters shrink by lr · decay · θ, apart from their gradients.
  int newton_schulz_steps = 5;  ///< The more, the nearer all singular values come to 1.
  double sgd_lr_scale = 1;      ///< Times the learning rate, for what is left to plain SGD.
};

/// Muon (Jordan et al. 2024): a hidden matrix moves along the direction of SGD with momentum, made
/// nearly orthogonal (its singular values, but for tiny ones, lie between about 0.7 and 1.2), times
/// √max(1, rows / columns). Filters [out, in, height, width] count as a matrix of `out` rows.
/// Vectors, and the last of the matrices, which gives the logits, move along the direction itself,
/// as with Sgd.
class Muon final : public Optimizer {
 public:
  /// ValueError for options out of their range.
  explicit Muon(std::vector<NamedTensor> parameters, const MuonOptions& options = {},
                const std::vector<ParameterGroup>& groups = {});
  bool knows_replicas() const override { return false; }

 private:
  void update(const StepScalars& scalars) override;

  MuonOptions options_;
  std::vector<OptimizerSlot> directions_, moves_;  // slots of the two passes of a step
  std::vector<bool> is_hidden_;
  Tensor direction_rate_;  // -1, on the device
};

/// A matrix [rows, columns] with its singular values brought near 1, tiny ones less so, by `steps`
/// of the Newton-Schulz iteration X ← 3.4445 X - 4.7750 X Xᵀ X + 2.0315 (X Xᵀ)² X, from X over its
/// norm. ShapeError unless it is a matrix, ValueError for steps under 1.
Tensor orthogonalize(const Tensor& x, int steps = 5);

}  // namespace hebb
