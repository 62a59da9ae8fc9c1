#pragma once

#include <span>

#include "layers/module.hpp"

namespace hebb {

/// What the first of some modules that follow each other gives, or the first few by one operation.
struct Fused {
  Tensor y;
  size_t modules;  // that it is the result of
};

/// A dense layer takes a ReLU along that follows it, a convolution a max-pooling and a ReLU after
/// that. The bits are those of one module after the other, and for a context that observes, every
/// module runs for itself.
Fused run_first(std::span<const Module::Child> modules, const Tensor& x, Context& context);

}  // namespace hebb
