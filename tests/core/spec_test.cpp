#include "core/spec.hpp"

#include "core/error.hpp"
#include "tests/catch.hpp"

using namespace hebb;

TEST_CASE("a spec gives typed values and defaults", "[core]") {
  Spec spec = Spec::parse("bean:order=2,alpha=1e5,kind=paper,on=true");
  CHECK(spec.name == "bean");
  CHECK(spec.integer("order", 1, {.at_least = 1, .at_most = 2}) == 2);
  CHECK(spec.number("alpha", 1) == 1e5);
  CHECK(spec.number("gamma", 0.5) == 0.5);
  const Choices<int> kinds("kind", {{"code", 1}, {"paper", 2}});
  CHECK(spec.choice("kind", 1, kinds) == 2);
  CHECK(spec.choice("sort", 1, kinds) == 1);
  CHECK(spec.text("kind", "") == "paper");
  CHECK(spec.flag("on", false));
  CHECK_FALSE(spec.has("off"));
  CHECK_NOTHROW(spec.done());
}

TEST_CASE("a spec without settings", "[core]") {
  Spec spec = Spec::parse("cosine");
  CHECK(spec.name == "cosine");
  CHECK_NOTHROW(spec.done());
}

TEST_CASE("bad specs say what is accepted", "[core]") {
  CHECK_THROWS_WITH(Spec::parse(""), ContainsSubstring("expected name or name:key=value"));
  CHECK_THROWS_WITH(Spec::parse("a:b"), "[a] expected key=value, got \"b\" in \"a:b\"");
  CHECK_THROWS_WITH(Spec::parse("a:"), ContainsSubstring("expected key=value"));
  CHECK_THROWS_WITH(Spec::parse("a:b=1,"), ContainsSubstring("expected key=value"));
  CHECK_THROWS_WITH(Spec::parse("a:=1"), ContainsSubstring("expected key=value"));
  CHECK_THROWS_WITH(Spec::parse("a:b=1,b=2"), "[a] expected b once, got it twice in \"a:b=1,b=2\"");

  Spec spec = Spec::parse("l1:lambda=x,n=1.5,p=1,kind=z,on=yes");
  CHECK_THROWS_WITH(spec.number("lambda", 0), "[l1: lambda] expected a number, got \"x\"");
  CHECK_THROWS_WITH(spec.integer("n", 0), "[l1: n] expected an integer, got \"1.5\"");
  CHECK_THROWS_WITH(spec.number("p", 0, {.at_least = 0, .below = 1}),
                    "[l1: p] expected a number at least 0 and below 1, got \"1\"");
  CHECK_THROWS_WITH(spec.choice("kind", 1, Choices<int>("kind", {{"a", 1}, {"b", 2}})),
                    "[l1: kind] expected one of a, b, got \"z\"");
  CHECK_THROWS_WITH(spec.flag("on", false), "[l1: on] expected one of true, false, got \"yes\"");

  Spec unknown = Spec::parse("l1:lambda=1,beta=2");
  unknown.number("lambda", 0);
  unknown.number("gamma", 0);
  CHECK_THROWS_WITH(unknown.done(), "[l1] expected keys lambda, gamma, got unknown key \"beta\"");
  CHECK_THROWS_AS(Spec::parse("none:x=nan").number("x", 0), ValueError);
}
