#include "regularizers/parse.hpp"

#include "core/error.hpp"
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

TEST_CASE("Wrong regularizers are told what is right", "[regularizers]") {
  const auto make = [](const char* text) { return make_regularizer(text); };
  CHECK_THROWS_WITH(make("been:order=1"),
                    "[regularizer] expected one of bean, l1, l2, energy, got \"been\"");
  CHECK_THROWS_WITH(make("bean:order=3"), "[bean] expected order at least 1 and at most 2, got 3");
  CHECK_THROWS_WITH(make("bean:gamma=0"), "[bean] expected gamma above 0, got 0");
  CHECK_THROWS_WITH(make("bean:alpha=-1"), "[bean] expected alpha at least 0, got -1");
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
