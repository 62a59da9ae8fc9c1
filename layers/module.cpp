#include "layers/module.hpp"

#include <algorithm>
#include <typeinfo>

#include "core/autograd.hpp"
#include "core/check.hpp"
#include "core/profile.hpp"

namespace hebb {
namespace {

// Marks a pass as the outermost one for as long as it runs.
class ModelPass {
 public:
  ModelPass(Context& context, const Tensor& x) : context_(context) { context_.model_input = x; }
  ~ModelPass() { context_.model_input = {}; }
  ModelPass(const ModelPass&) = delete;
  ModelPass& operator=(const ModelPass&) = delete;

 private:
  Context& context_;
};

// Puts another tensor's elements under all handles to this one.
void replace(const Tensor& tensor, const Tensor& with) {
  Tensor::Body& body = *tensor.body();
  body.storage = with.body()->storage;
  body.offset = with.body()->offset;
  body.shape = with.shape();
  body.dtype = with.dtype();
  body.grad = {};
}

}  // namespace

int64_t Module::multiply_adds(const Shape&, const Shape&) const { return 0; }

Tensor Module::operator()(const Tensor& x, Context& context) const {
  if (context.model_input.defined()) return pass(x, context);
  check(x.defined(), "[module] expected an input, got an undefined tensor");
  const ModelPass model_pass(context, x);
  return pass(x, context);
}

Tensor Module::pass(const Tensor& x, Context& context) const {
  const ProfileScope scope(path_.empty() ? std::string_view("model") : path_);
  Tensor y = forward(x, context);
  if (context.observe) context.observe(*this, x, y);
  return y;
}

Tensor Module::operator()(const Tensor& x) const {
  const NoGrad no_grad;
  Context context;
  return (*this)(x, context);
}

template <class Function>
void Module::visit(const Function& function) const {
  function(*this);
  for (const Child& child : children_) child.module->visit(function);
}

std::vector<NamedTensor> Module::parameters() const {
  std::vector<NamedTensor> all;
  visit([&](const Module& module) {
    for (const auto& [name, tensor] : module.parameters_)
      all.push_back({module.path_to(name), tensor});
  });
  return all;
}

std::vector<NamedTensor> Module::buffers() const {
  std::vector<NamedTensor> all;
  visit([&](const Module& module) {
    for (const auto& [name, tensor] : module.buffers_)
      all.push_back({module.path_to(name), tensor});
  });
  return all;
}

int64_t Module::parameter_count() const {
  int64_t count = 0;
  visit([&](const Module& module) {
    for (const NamedTensor& parameter : module.parameters_) count += parameter.tensor.numel();
  });
  return count;
}

State Module::state() const {
  State state;
  for (const auto& [name, tensor] : parameters()) state[name] = tensor;
  for (const auto& [name, tensor] : buffers()) state[name] = tensor;
  return state;
}

void Module::load_state(const State& state) {
  State read = state;
  std::erase_if(read,
                [](const auto& item) { return item.first.ends_with(".num_batches_tracked"); });
  copy_state(this->state(), read, "load_state");
}

void Module::replicate(std::span<const State> states) {
  check(!states.empty(), "[replicate] expected at least one state, got none");
  check(replicas_ == 0, "[replicate] expected a network without replicas, got one with {}",
        replicas_);
  const std::vector<NamedTensor> kept = buffers();
  check(kept.empty(), "[replicate] expected layers without buffers, got {}",
        kept.empty() ? "" : kept[0].name);
  const State own = state();
  for (const State& given : states) check_state(own, given, "replicate");
  const int64_t count = std::ssize(states);
  for (const auto& [name, tensor] : own) {
    const Tensor stacked = Tensor::empty(tensor.shape().inserted(0, count), tensor.options());
    for (int64_t r = 0; r < count; ++r)
      stacked.view(tensor.shape(), r * tensor.numel()).copy_from(states[size_t(r)].at(name));
    replace(tensor, stacked);
  }
  set_replicas(count);
}

void Module::replicate(std::span<const std::unique_ptr<Module>> networks) {
  std::vector<State> states;
  std::vector<const Module*> modules;
  for (const std::unique_ptr<Module>& network : networks) {
    check(network != nullptr && network->replicas() == 0,
          "[replicate] expected networks without replicas");
    check_like(*network);
    states.push_back(network->state());
    modules.push_back(network.get());
  }
  replicate(states);
  take_settings_of(modules);
}

void Module::check_like(const Module& other) const {
  check(typeid(*this) == typeid(other) &&
            std::ranges::equal(children_, other.children_, {}, &Child::name, &Child::name),
        "[replicate] expected networks of the same layers, got {} in place of {} (\"{}\")",
        other.description(), description(), path_);
  for (size_t i = 0; i < children_.size(); ++i)
    children_[i].module->check_like(*other.children_[i].module);
}

void Module::take_settings(std::span<const Module* const>) {}

void Module::take_settings_of(std::span<const Module* const> replicas) {
  take_settings(replicas);
  for (size_t i = 0; i < children_.size(); ++i) {
    std::vector<const Module*> own;
    for (const Module* replica : replicas) own.push_back(replica->children_[i].module.get());
    children_[i].module->take_settings_of(own);
  }
}

State Module::replica(int64_t r) const {
  check(r >= 0 && r < replicas_, "[replica] expected one of {} replicas, got {}", replicas_, r);
  State one;
  for (const auto& [name, tensor] : parameters()) {
    const Shape shape = tensor.shape().without(0);
    one[name] = tensor.view(shape, r * shape.numel());
  }
  return one;
}

void Module::to(Device device) {
  for (const auto& [name, tensor] : state())
    if (tensor.device() != device) replace(tensor, tensor.detach().to(device));
}

void Module::to(DType dtype) {
  check(is_wide(dtype), "[module] expected float32 or float64, got {}", name_of(dtype));
  for (const auto& [name, tensor] : state())
    if (is_floating(tensor.dtype()) && tensor.dtype() != dtype)
      replace(tensor, tensor.detach().to(dtype));
}

Tensor Module::add_parameter(std::string name, Tensor tensor) {
  check_name(name);
  tensor.set_requires_grad();
  parameters_.push_back({std::move(name), tensor});
  return tensor;
}

Tensor Module::add_buffer(std::string name, Tensor tensor) {
  check_name(name);
  buffers_.push_back({std::move(name), tensor});
  return tensor;
}

void Module::add_child(std::string name, std::unique_ptr<Module> module) {
  check_name(name);
  module->set_path(path_to(name));
  children_.push_back({std::move(name), std::move(module)});
}

void Module::check_name(const std::string& name) const {
  check(!name.empty() && name.find('.') == name.npos,
        "[module] expected a name without dots, got \"{}\"", name);
  const auto taken = [&](const auto& items) {
    return std::ranges::any_of(items, [&](const auto& item) { return item.name == name; });
  };
  check(!taken(parameters_) && !taken(buffers_) && !taken(children_),
        "[module] expected a new name, got \"{}\" again", name);
}

// Paths are settled when the tree grows, so that a pass finds them ready.
void Module::set_path(const std::string& path) {
  path_ = path;
  for (const Child& child : children_) child.module->set_path(path_to(child.name));
}

void Module::set_replicas(int64_t replicas) {
  replicas_ = replicas;
  for (const Child& child : children_) child.module->set_replicas(replicas);
}

std::string Module::path_to(const std::string& name) const {
  return path_.empty() ? name : fmt::format("{}.{}", path_, name);
}

}  // namespace hebb
