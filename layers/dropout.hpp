#pragma once

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// Dropout (Srivastava et al. 2014) where the context has it on: elements are zero with
/// probability p, the others scaled by 1 / (1 - p). ValueError when it is on and the context has
/// no generator, or not one for each replica. Replicas may have a p each, see Module::replicate.
class Dropout final : public Module {
 public:
  struct Options {
    double p = 0.5;
  };
  /// ValueError for p outside [0, 1).
  explicit Dropout(const Options& options);

  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;

 private:
  void take_settings(std::span<const Module* const> replicas) override;

  double p_;
  std::vector<double> p_of_replicas_;  // empty: all have p_
};

}  // namespace hebb
