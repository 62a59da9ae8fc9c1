#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "core/api.hpp"
#include "core/choice.hpp"
#include "layers/activation.hpp"
#include "layers/init.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// What a model is made for and how. Each model takes what it has a use for.
struct ModelOptions {
  Shape input = {1, 28, 28};  ///< Of one sample: [C, H, W], or [D] for an MLP.
  int64_t classes = 10;
  std::vector<int64_t> hidden = {500};  ///< Widths of an MLP's hidden layers.
  Activation::Kind activation = Activation::Kind::relu;
  double dropout = 0;
  Initializer init = {};
  Generator generator = Generator(0);  ///< Decides the initial weights.
};

/// A model by name: "mlp", "lenet5", "resnet18", or "mlp:784-500-10" with all its widths, from the
/// input to the classes. ValueError for an unknown name, which lists the known ones, or widths that
/// do not fit the input and the classes; ShapeError for an input that the model cannot take.
std::unique_ptr<Module> make_model(std::string_view name, const ModelOptions& options = {});

using MakeModel = std::unique_ptr<Module> (*)(std::string_view widths, const ModelOptions&);
const Choices<MakeModel>& known_models();

}  // namespace hebb
