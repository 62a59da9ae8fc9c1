#include "core/choice.hpp"

#include "data/catalog.hpp"
#include "layers/activation.hpp"
#include "layers/init.hpp"
#include "layers/models/registry.hpp"
#include "optim/make_optimizer.hpp"
#include "optim/schedule.hpp"
#include "regularizers/parse.hpp"
#include "tests/catch.hpp"

namespace hebb::test {
namespace {

enum class Fruit { apple, pear, fig };

const Choices<Fruit>& fruits() {
  static const Choices<Fruit> all("fruit", {{"apple", Fruit::apple, "sort=gala|cox,count=1"},
                                            {"pear", Fruit::pear},
                                            {"fig", Fruit::fig}});
  return all;
}

// As a user would type the first of what help texts show: "sgd:momentum=0,nesterov=false".
template <class T>
std::string as_typed(const Choice<T>& choice) {
  std::string text(choice.name);
  if (!choice.settings.empty()) text.append(":").append(choice.settings);
  for (size_t bar = 0; (bar = text.find('|')) != text.npos;)
    text.erase(bar, std::min(text.find(',', bar), text.size()) - bar);
  return text;
}

}  // namespace

TEST_CASE("choices are found by name and by value", "[core]") {
  CHECK(fruits().at("pear") == Fruit::pear);
  CHECK(fruits().name_of(Fruit::fig) == "fig");
  CHECK(fruits().contains("apple"));
  CHECK_FALSE(fruits().contains("appl"));
  CHECK_FALSE(fruits().contains("apple:sort=gala"));
}

TEST_CASE("help texts and errors name all choices", "[core]") {
  CHECK(fruits().help() == "apple:sort=gala|cox,count=1; pear; fig");
  CHECK_THROWS_WITH(fruits().at("plum"), "[fruit] expected one of apple, pear, fig, got \"plum\"");
  CHECK_THROWS_WITH(fruits().at("plum", "cake: fruit"),
                    "[cake: fruit] expected one of apple, pear, fig, got \"plum\"");
  CHECK_THROWS_AS(fruits().at(""), ValueError);
}

TEST_CASE("settings that help texts show are accepted", "[core]") {
  const std::vector<NamedTensor> parameters = {{"p", Tensor::ones({1})}};
  for (const auto& choice : known_optimizers()) {
    INFO(as_typed(choice));
    CHECK_NOTHROW(make_optimizer(as_typed(choice), parameters, 0.1));
  }
  for (const auto& choice : known_regularizers()) {
    INFO(as_typed(choice));
    const auto shown = make_regularizer(as_typed(choice)), plain = make_regularizer(choice.name);
    // What is shown first is the default, but for the layers' names.
    CHECK(shown->name().substr(0, shown->name().find(",layers=")) == plain->name());
  }
  for (const auto& choice : known_models()) CHECK_NOTHROW(make_model(as_typed(choice)));
  for (const auto& choice : Schedule::kinds()) {
    INFO(as_typed(choice));
    CHECK(Schedule::parse(as_typed(choice)).kind == choice.value);
  }
  for (const auto& choice : Initializer::kinds())
    CHECK(Initializer::parse(as_typed(choice)).to_string() == choice.name);
}

}  // namespace hebb::test
