#pragma once

#include <functional>
#include <memory>

#include "apps/fewshot/study/method.hpp"
#include "regularizers/regularizer.hpp"

namespace hebb::apps {

/// Training with cross-entropy and Adam, and what a method changes of it.
struct Recipe {
  double lr = 5e-4;
  double dropout = 0;
  double weight_decay = 0;
  double strength = 0;  ///< Of the method's penalty.
};

/// A method's recipe, from its parameter's value.
using MakeRecipe = std::function<Recipe(double value, const Protocol& protocol)>;
/// Its penalty: of one strength or, where `strengths` is defined, one for each replica.
using MakePenalty = std::function<std::unique_ptr<Regularizer>(
    double strength, const Tensor& strengths, const Protocol& protocol)>;

/// The switches of the protocol that only some of the methods have a use for.
struct Concerns {
  bool lr = true;  ///< False for a method that tunes it.
  bool dropout_at_test = false;
};

/// A method that trains by a recipe: takes the rest from `method`, adds `settings` and `run`.
Method supervised(Method method, MakeRecipe make_recipe, Concerns concerns = {},
                  MakePenalty make_penalty = {});

}  // namespace hebb::apps
