#pragma once

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// Modules one after the other, each fed by the one before.
///
///     Sequential net;
///     net.add("fc1", Linear({.in = 784, .out = 500}, generator))
///         .add("relu", Activation(Activation::Kind::relu))
///         .add("fc2", Linear({.in = 500, .out = 10}, generator));
class Sequential final : public Module {
 public:
  /// ValueError for a name that is empty, holds a dot or is taken.
  template <std::derived_from<Module> M>
  Sequential& add(std::string name, M module) {
    add_module(std::move(name), std::move(module));
    return *this;
  }
  Sequential& add(std::string name, std::unique_ptr<Module> module) {
    add_module(std::move(name), std::move(module));
    return *this;
  }

  std::string description() const override { return "Sequential"; }
  Tensor forward(const Tensor& x, Context& context) const override;
};

}  // namespace hebb
