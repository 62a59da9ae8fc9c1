#pragma once

#include <functional>
#include <optional>
#include <span>

#include "core/api.hpp"
#include "core/inline_vector.hpp"
#include "core/tensor.hpp"

/// Reverse-mode automatic differentiation: operations record nodes as they run, `backward` walks
/// them in the reverse order of their making.
namespace HEBB_API hebb {

/// Gradients with respect to an operation's inputs, in their order. An undefined tensor means
/// that the input needs none.
using Grads = InlineVector<Tensor, 4>;

/// Which inputs of an operation need a gradient.
class Needs {
 public:
  explicit Needs(uint64_t bits) : bits_(bits) {}
  bool operator[](size_t input) const { return bits_ >> input & 1; }

 private:
  uint64_t bits_;
};

/// One recorded operation. It keeps what its gradient needs until `backward` has passed it.
class Node : public RefCounted {
 public:
  struct Edge {
    Ref<Node> node;          // the operation that made the input, or
    Ref<Tensor::Body> leaf;  // the leaf that it is; neither when it needs no gradient
  };

  ~Node() override;
  virtual Grads backward(const Tensor& dy) = 0;
  virtual void free_saved() = 0;

  const char* name = "";
  InlineVector<Edge, 4> inputs;
  int64_t depth = 0;   // greater than that of every input
  uint64_t visit = 0;  // the last backward pass that found this node
  bool freed = false;  // a backward pass has used this node up
  Tensor grad;         // what has arrived so far in that pass
  Shape shape;         // of the output, as is
  DType dtype = DType::float32;
};

namespace detail {

struct Input {
  const Tensor* tensor;
  Input(const Tensor& t) : tensor(&t) {}  // NOLINT(google-explicit-constructor)
};

bool any_requires_grad(std::span<const Input> inputs);
Tensor attach(Ref<Node> node, const char* name, const Tensor& y, std::span<const Input> inputs);

template <class Backward>
class LambdaNode final : public Node {
 public:
  explicit LambdaNode(Backward&& f) : f_(std::move(f)) {}
  Grads backward(const Tensor& dy) override {
    if constexpr (std::is_invocable_v<Backward, const Tensor&, Needs>) {
      uint64_t bits = 0;
      for (size_t i = 0; i < inputs.size(); ++i)
        bits |= uint64_t(inputs[i].node || inputs[i].leaf) << i;
      return (*f_)(dy, Needs(bits));
    } else {
      return (*f_)(dy);
    }
  }
  void free_saved() override { f_.reset(); }

 private:
  std::optional<Backward> f_;
};

}  // namespace detail

bool grad_enabled();  ///< Whether this thread records operations.

/// Inside its life, this thread records no operations.
class NoGrad {
 public:
  NoGrad();
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool previous_;
};

/// Ties the result `y` of an operation to its inputs. `backward` takes the gradient of y (same
/// shape; and, if it likes, a `Needs`) and returns one gradient for each input, in their shapes.
/// It may capture inputs and y: it must capture y as it is passed here, not the returned tensor,
/// which owns the node.
template <class Backward>
Tensor record(const char* name, const Tensor& y, std::span<const detail::Input> inputs,
              Backward backward) {
  if (!grad_enabled() || !detail::any_requires_grad(inputs)) return y;
  return detail::attach(Ref<Node>(new detail::LambdaNode<Backward>(std::move(backward))), name, y,
                        inputs);
}
template <class Backward>
Tensor record(const char* name, const Tensor& y, std::initializer_list<detail::Input> inputs,
              Backward backward) {
  return record(name, y, std::span<const detail::Input>(inputs.begin(), inputs.size()),
                std::move(backward));
}

/// Inside its life, backward passes of this thread tell of each leaf that asks for a gradient, once
/// a pass, as soon as nothing more arrives in its `grad` in that pass. The innermost observer is
/// told. What it throws ends the pass.
class LeafObserver {
 public:
  using Function = std::function<void(const Tensor& leaf)>;
  explicit LeafObserver(Function on_complete);
  ~LeafObserver();
  LeafObserver(const LeafObserver&) = delete;
  LeafObserver& operator=(const LeafObserver&) = delete;

  void complete(const Tensor& leaf) const { on_complete_(leaf); }

 private:
  Function on_complete_;
  const LeafObserver* previous_;
};

/// Accumulates in every leaf's `grad` the derivative of <y, dy>: dy has y's shape, dtype and
/// device. A leaf that is reached twice gets the sum. Frees the graph unless `retain_graph`;
/// ValueError when a part of it has been freed before, or when y depends on no such leaf.
void backward(const Tensor& y, const Tensor& dy, bool retain_graph = false);

struct GradcheckOptions {
  double epsilon = 1e-6;
  double absolute_tolerance = 1e-5;
  double relative_tolerance = 1e-3;
  /// Of a larger input only so many elements are compared, drawn at random, and the derivative
  /// along one direction in which all of them change. 0: all inputs element by element.
  int64_t max_elements = 0;
};

struct GradcheckResult {
  bool ok = true;
  double worst_error = 0;  ///< Largest |analytic - numeric|.
  std::string message;  ///< Where the first mismatch is: input, element or direction, both values.
  explicit operator bool() const { return ok; }
};

/// Compares the gradient of `function` with central differences. The inputs are float64 (DTypeError
/// otherwise); those that require a gradient are checked. The function's output may have any shape:
/// its elements are weighted by fixed random numbers and summed.
GradcheckResult gradcheck(const std::function<Tensor(std::span<const Tensor>)>& function,
                          std::span<const Tensor> inputs, GradcheckOptions options = {});

}  // namespace hebb
