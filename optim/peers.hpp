#pragma once

#include <functional>
#include <span>

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// The processes that train one model together, each on its share of every batch. All make the
/// same calls in the same order. What distributed/ implements.
class Peers {
 public:
  virtual ~Peers() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;

  /// What rank 0 has, on all ranks.
  virtual void broadcast(std::span<const Tensor> tensors) = 0;
  /// The sum over all ranks in the place of `values`, floats on any device; the same bits on all.
  virtual void sum(const Tensor& values) = 0;
  /// Calls `backward`, which has the last of the backward passes that this step's gradients of
  /// `parameters` are from, and puts the sums over all ranks in their place. A parameter without a
  /// gradient counts as zero, unless no rank has one: then it stays without.
  virtual void sum_gradients(std::span<const NamedTensor> parameters,
                             const std::function<void()>& backward) = 0;
};

}  // namespace hebb
