#pragma once

#include <string>
#include <string_view>

#include "core/choice.hpp"

namespace CLI {
class App;
}

namespace hebb::apps {

/// Ways to train that go together, by name: each is the flags that it stands for, as a user would
/// type them.
const Choices<std::string_view>& known_recipes();
/// All of them with their flags, for --help.
std::string recipe_help();

/// Gives `app` the flags of a recipe, but for those that it was given itself. ValueError for a name
/// that is not known.
void apply_recipe(CLI::App& app, const std::string& name);

}  // namespace hebb::apps
