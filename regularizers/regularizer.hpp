#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/api.hpp"
#include "layers/context.hpp"

namespace HEBB_API hebb {

/// A penalty that is added to the loss. It sees the dense layers of the network as taps of the
/// forward pass that the loss comes from.
class Regularizer {
 public:
  virtual ~Regularizer() = default;
  /// How it shows in logs, with its parameters: "bean:order=2,alpha=300". The text from which
  /// make_regularizer makes the same again, for those that it knows; not where replicas have a
  /// strength each, of which it shows all.
  virtual std::string name() const = 0;
  /// A differentiable scalar, with its own strength in it; undefined when there is nothing to
  /// penalise. Of R replicas [R], each its own.
  virtual Tensor penalty(std::span<const DenseTap> taps) const = 0;
};

/// All penalties of a training.
using Regularizers = std::vector<std::unique_ptr<Regularizer>>;

}  // namespace hebb
