#pragma once

#include <memory>
#include <string_view>

#include "layers/module.hpp"

namespace hebb {

/// An elementwise activation function.
class Activation final : public Module {
 public:
  enum class Kind { relu, tanh, sigmoid };
  explicit Activation(Kind kind) : kind_(kind) {}
  /// Reads "relu", "tanh" or "sigmoid"; ValueError otherwise.
  static Kind parse(std::string_view text);

  std::string description() const override;  ///< "ReLU", "Tanh" or "Sigmoid"
  Tensor forward(const Tensor& x, Context& context) const override;

 private:
  Kind kind_;
};

}  // namespace hebb
