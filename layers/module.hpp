#pragma once

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/api.hpp"
#include "layers/context.hpp"
#include "layers/state.hpp"

namespace HEBB_API hebb {

struct NamedTensor {
  std::string name;  ///< A path: "layer1.0.conv1.weight".
  Tensor tensor;
};

/// A part of a network: parameters, buffers and child modules by name, in the order in which they
/// were registered, and a forward pass. Modules are moved into their parents, never copied:
///
///     class Net final : public Module {
///      public:
///       explicit Net(Generator& generator)
///           : fc(add_module("fc", Linear({.in = 784, .out = 10}, generator))) {}
///       std::string description() const override { return "Net"; }
///       Tensor forward(const Tensor& x, Context& context) const override {
///         return fc(x.reshape({-1, 784}), context);
///       }
///
///      private:
///       Linear& fc;
///     };
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;

  /// What it is, for summaries: "Linear(400, 120)".
  virtual std::string description() const = 0;
  /// The pass itself, without what operator() does around it. Call children by operator().
  virtual Tensor forward(const Tensor& x, Context& context) const = 0;
  /// Multiply-adds of one pass of this module itself, without its children.
  virtual int64_t multiply_adds(const Shape& input, const Shape& output) const;

  /// A pass as the context says.
  Tensor operator()(const Tensor& x, Context& context) const;
  /// Inference: no graph, no dropout, running statistics.
  Tensor operator()(const Tensor& x) const;

  /// Where this module stands in the model: "layer1.0.conv1"; "" for the model itself.
  const std::string& path() const { return path_; }

  /// All parameters, or buffers, of this module and its children, with their paths.
  std::vector<NamedTensor> parameters() const;
  std::vector<NamedTensor> buffers() const;
  int64_t parameter_count() const;

  struct Child {
    std::string name;
    std::unique_ptr<Module> module;
  };
  const std::vector<Child>& children() const { return children_; }

  /// Parameters and buffers by path; the tensors are this module's own, not copies.
  State state() const;
  /// Copies `state` in. Strict, as `copy_state` says, but for "num_batches_tracked", with which
  /// PyTorch's normalisations count what nothing here asks for.
  void load_state(const State& state);

  /// Makes this R networks of one architecture: every parameter becomes [R, ...], and that of
  /// replica r is states[r]'s, which is strict as load_state is. From then on a pass takes inputs
  /// [R, S, ...] and gives what each network gives for its own, see docs/architecture.md. Made
  /// before an optimiser is. ValueError for no states, a network that has replicas, or one with
  /// buffers: batch normalisation knows none.
  void replicate(std::span<const State> states);
  /// The same of networks like this one, with their states. What layers say that replicas may
  /// differ in is each network's own: Dropout's p. ValueError for networks of other layers.
  void replicate(std::span<const std::unique_ptr<Module>> networks);
  int64_t replicas() const { return replicas_; }  ///< 0 for a network as it was made.
  /// The state of one replica, as a network of its own has it; it shares storage with this one.
  State replica(int64_t r) const;

  /// Moves or converts all parameters and buffers in place: every handle to them sees it.
  /// Gradients are dropped. ValueError for a type that is not floating point.
  void to(Device device);
  void to(DType dtype);

 protected:
  /// Registers a tensor under a name without dots (ValueError for one that is taken), as a
  /// trainable parameter or as state that is saved but not trained; gives the handle back.
  Tensor add_parameter(std::string name, Tensor tensor);
  Tensor add_buffer(std::string name, Tensor tensor);
  /// Takes a module in; the reference holds as long as this module or what it is moved to.
  template <std::derived_from<Module> M>
  M& add_module(std::string name, M module) {
    return add_module(std::move(name), std::make_unique<M>(std::move(module)));
  }
  template <std::derived_from<Module> M>
  // NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved on
  M& add_module(std::string name, std::unique_ptr<M> module) {
    M& reference = *module;
    add_child(std::move(name), std::move(module));
    return reference;
  }

 private:
  /// For layers with settings in which replicas may differ: takes those of what stands in this
  /// one's place in each network, which is of the same class.
  virtual void take_settings(std::span<const Module* const> replicas);
  void check_like(const Module& other) const;
  void take_settings_of(std::span<const Module* const> replicas);
  Tensor pass(const Tensor& x, Context& context) const;
  void check_name(const std::string& name) const;
  void add_child(std::string name, std::unique_ptr<Module> module);
  void set_path(const std::string& path);
  void set_replicas(int64_t replicas);
  std::string path_to(const std::string& name) const;
  template <class Function>
  void visit(const Function& function) const;

  std::string path_;
  int64_t replicas_ = 0;
  std::vector<NamedTensor> parameters_, buffers_;
  std::vector<Child> children_;
};

}  // namespace hebb
