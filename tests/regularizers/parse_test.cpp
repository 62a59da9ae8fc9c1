#include "regularizers/parse.hpp"

#include <fmt/format.h>

#include <cmath>

#include "core/error.hpp"
#include "core/random.hpp"
#include "regularizers/bean.hpp"
#include "tests/catch.hpp"

namespace hebb {

TEST_CASE("Regularizers come from texts, and their names lead back", "[regularizers]") {
  const NamedTensor parameters[] = {{"w", Tensor::ones({2})}};
  for (const std::string text :
       {"bean:order=2,alpha=100000", "bean:order=1,alpha=3,normalisation=published-code",
        "bean:order=2,alpha=0.5,gamma=2,divergence=absolute,layers=fc*+out", "l1:lambda=0.0001",
        "l1:lambda=1,scope=weights-and-biases", "l2:lambda=0.25,scope=all",
        "energy:activity=0.5,weight=0.25,nonnegativity=2"})
    CHECK(make_regularizer(text, parameters)->name() == text);
  CHECK(make_regularizer("bean:alpha=1e5,order=2")->name() == "bean:order=2,alpha=100000");
  CHECK(make_regularizer("bean:normalization=published-code")->name() ==
        "bean:order=1,alpha=1,normalisation=published-code");
  CHECK(make_regularizers({"bean", "l1:lambda=2"})[1]->name() == "l1:lambda=2");
  CHECK(make_regularizer("bean")->name() == "bean:order=1,alpha=1");
  CHECK(make_regularizer("l2:lambda=1,scope=all", parameters)->penalty({}).item() == 2);
}

TEST_CASE("A regularizer's name makes the same regularizer again", "[regularizers]") {
  const NamedTensor parameters[] = {{"w", Tensor::ones({2})}};
  Generator random(7);
  const auto one_of = [&](const std::vector<std::string>& choices) {
    return choices[size_t(random.below(std::ssize(choices)))];
  };
  // Every double that can be written, and the shortest texts of some.
  const auto number = [&]() -> std::string {
    if (random.below(4) == 0) return one_of({"0", "-0", "1", "1e-320", "1e308", "5e-324", ".5"});
    const double value = std::ldexp(random.uniform(1, 2), int(random.below(2046)) - 1022);
    return fmt::format("{}", value);
  };
  const auto layers = [&] {
    std::string text;
    for (int64_t i = random.below(4); i >= 0; --i)
      text += one_of({"fc1", "fc*", "a b", "=", "layer:1", "[!x]", "", "+", "ü", "\\"}) +
              (i > 0 ? "+" : "");
    return text;
  };
  const auto text = [&]() -> std::string {
    const std::string scope = one_of({"weights", "weights-and-biases", "all"});
    switch (random.below(4)) {
      case 0: {
        std::string bean = "bean:order=" + one_of({"1", "2"}) + ",alpha=" + number();
        if (random.below(2)) bean += ",gamma=" + number();
        if (random.below(2)) bean += ",divergence=" + one_of({"squared", "absolute"});
        if (random.below(2)) bean += ",normalization=" + one_of({"paper", "published-code"});
        if (random.below(2)) bean += ",layers=" + layers();
        return bean;
      }
      case 1:
        return "l1:lambda=" + number() + ",scope=" + scope;
      case 2:
        return "l2:lambda=" + number() + ",scope=" + scope;
      default:
        return "energy:activity=" + number() + ",weight=" + number() + ",nonnegativity=" + number();
    }
  };
  int made = 0;
  for (int i = 0; i < 5000; ++i) {
    const std::string given = text();
    std::string name;
    try {
      name = make_regularizer(given, parameters)->name();
    } catch (const ValueError&) {
      continue;  // no name of a layer, or gamma 0
    }
    ++made;
    CAPTURE(given, name);
    REQUIRE(make_regularizer(name, parameters)->name() == name);
  }
  CHECK(made > 3000);
  for (const char* layer : {"", "a+b", "a,b"})
    CHECK_THROWS_WITH(Bean({.layers = {"fc1", layer}}), ContainsSubstring("names of layers"));
  CHECK_THROWS_WITH(make_regularizer("bean:layers=+"), ContainsSubstring("got \"\""));
}

TEST_CASE("Wrong regularizers are told what is right", "[regularizers]") {
  const auto make = [](const char* text) { return make_regularizer(text); };
  CHECK_THROWS_WITH(make("been:order=1"),
                    "[regularizer] expected one of bean, l1, l2, energy, got \"been\"");
  CHECK_THROWS_WITH(make("bean:order=3"),
                    "[bean: order] expected an integer at least 1 and at most 2, got \"3\"");
  CHECK_THROWS_WITH(make("bean:gamma=0"), "[bean: gamma] expected a number above 0, got \"0\"");
  CHECK_THROWS_WITH(make("bean:alpha=-1"),
                    "[bean: alpha] expected a number at least 0, got \"-1\"");
  CHECK_THROWS_WITH(
      make("bean:strength=1"),
      "[bean] expected keys order, alpha, gamma, divergence, normalization, normalisation, layers, "
      "got unknown key \"strength\"");
  CHECK_THROWS_WITH(make("bean:normalisation=code"),
                    "[bean: normalisation] expected one of paper, published-code, got "
                    "\"code\"");
  CHECK_THROWS_WITH(make("l1:scope=biases"),
                    "[l1: scope] expected one of weights, weights-and-biases, all, got "
                    "\"biases\"");
  CHECK_THROWS_WITH(make("l2:scope=all"),
                    "[l2] expected parameters for the scope of all parameters, got none");
  CHECK_THROWS_AS(make("energy:activity=much"), ValueError);
  CHECK_THROWS_AS(make(""), ValueError);
}

}  // namespace hebb
