#include "apps/train/recipes.hpp"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <sstream>

namespace hebb::apps {

// paper: Gao, Ascoli and Zhao on CIFAR-10. fast: Muon (Jordan et al. 2024) in one cycle (Smith and
// Topin 2019); docs/results.md has what it comes to.
const Choices<std::string_view>& known_recipes() {
  static const Choices<std::string_view> recipes(
      "recipe",
      {{"none", ""},
       {"paper", "--optimizer adam --lr 5e-4 --batch-size 100 --flip"},
       {"fast",
        "--optimizer muon:weight-decay=0.01,sgd-lr-scale=2 --lr 0.05 --schedule one-cycle "
        "--label-smoothing 0.1 --batch-size 128 --epochs 8 --normalize --crop 2 --flip"}});
  return recipes;
}

std::string recipe_help() {
  std::string text;
  for (const auto& [name, flags, settings] : known_recipes())
    text +=
        fmt::format("{}{}{}{}", text.empty() ? "" : "; ", name, flags.empty() ? "" : ": ", flags);
  return text;
}

void apply_recipe(CLI::App& app, const std::string& name) {
  std::istringstream words{std::string(known_recipes().at(name))};
  for (std::string word; words >> word;) {
    CLI::Option* const option = app.get_option(word);
    std::string value = "true";
    if (option->get_items_expected_min() > 0) words >> value;
    if (option->count() > 0) continue;
    option->add_result(value);
    option->run_callback();
  }
}

}  // namespace hebb::apps
