#include "layers/fused.hpp"

#include <typeinfo>

#include "core/ops/conv2d_max_pool2d.hpp"
#include "core/profile.hpp"
#include "layers/activation.hpp"
#include "layers/conv2d.hpp"
#include "layers/linear.hpp"
#include "layers/pooling.hpp"

namespace hebb {
namespace {

// Module i, if there is one and it is an M.
template <class M>
const M* as(std::span<const Module::Child> modules, size_t i) {
  if (i >= modules.size()) return nullptr;
  const Module& module = *modules[i].module;
  return typeid(module) == typeid(M) ? static_cast<const M*>(&module) : nullptr;
}

bool is_relu(std::span<const Module::Child> modules, size_t i) {
  const auto* activation = as<Activation>(modules, i);
  return activation && activation->kind() == Activation::Kind::relu;
}

}  // namespace

Fused run_first(std::span<const Module::Child> modules, const Tensor& x, Context& context) {
  if (context.observe) return {(*modules[0].module)(x, context), 1};
  if (const auto* dense = as<Linear>(modules, 0); dense && is_relu(modules, 1)) {
    const ProfileScope scope(dense->path());
    return {dense->forward(x, context, {.relu = true}), 2};
  }
  const auto* conv = as<Conv2d>(modules, 0);
  const auto* pool = as<MaxPool2d>(modules, 1);
  if (conv && pool) {
    const ProfileScope scope(conv->path());
    const bool relu = is_relu(modules, 2);
    return {conv2d_max_pool2d(x, conv->weight(), conv->bias(),
                              {conv->options(), pool->options(), relu}),
            size_t(relu ? 3 : 2)};
  }
  return {(*modules[0].module)(x, context), 1};
}

}  // namespace hebb
