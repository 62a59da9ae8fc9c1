#pragma once

#include "core/api.hpp"
#include "core/choice.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// An elementwise activation function.
class Activation final : public Module {
 public:
  enum class Kind { relu, tanh, sigmoid };
  explicit Activation(Kind kind) : kind_(kind) {}
  static const Choices<Kind>& kinds();  ///< "relu", "tanh" and "sigmoid".

  std::string description() const override;  ///< "ReLU", "Tanh" or "Sigmoid"
  Tensor forward(const Tensor& x, Context& context) const override;
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

}  // namespace hebb
