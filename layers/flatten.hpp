#pragma once

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// [S, ...] to [S, N], sharing storage; of replicas [R, S, ...] to [R, S, N].
class Flatten final : public Module {
 public:
  std::string description() const override { return "Flatten"; }
  Tensor forward(const Tensor& x, Context& context) const override;
};

/// A model's input as samples of one shape: takes [S, ...shape] or anything else with that many
/// elements a sample in two axes, [S, N], and gives [S, ...shape], sharing storage. Of replicas all
/// have R in front.
class Unflatten final : public Module {
 public:
  explicit Unflatten(const Shape& shape) : shape_(shape) {}
  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;

 private:
  Shape shape_;
};

}  // namespace hebb
