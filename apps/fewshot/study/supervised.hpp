#pragma once

#include <functional>

#include "apps/fewshot/study/method.hpp"
#include "regularizers/regularizer.hpp"

namespace hebb::apps {

/// Training with cross-entropy and Adam, and what a method changes of it.
struct Recipe {
  double lr = 5e-4;
  double dropout = 0;
  double weight_decay = 0;
  Regularizers regularizers = {};
};

/// A method's recipe, from its parameter's value.
using MakeRecipe = std::function<Recipe(double value, const Protocol& protocol)>;

/// The switches of the protocol that only some of the methods have a use for.
struct Concerns {
  bool lr = true;  ///< False for a method that tunes it.
  bool dropout_at_test = false;
};

/// A method that trains by a recipe: takes the rest from `method`, adds `settings` and `run`.
Method supervised(Method method, MakeRecipe make_recipe, Concerns concerns = {});

}  // namespace hebb::apps
