#include "optim/schedule.hpp"

#include <cmath>

#include "core/error.hpp"
#include "tests/catch.hpp"
#include "tests/golden/golden.hpp"

using namespace hebb;

TEST_CASE("schedules follow PyTorch's", "[optim]") {
  const test::Golden golden("schedules");
  const std::pair<const char*, const char*> cases[] = {
      {"step", "step:every=6,gamma=0.5"},
      {"cosine", "cosine"},
      {"cosine-floor", "cosine:floor=0.001"},
      {"one-cycle", "one-cycle"},
      {"warm-up", "constant:warmup=5,warmup-start=0.1"},
      {"warm-up-third", "constant:warmup=8"},
  };
  for (const auto& [name, text] : cases) {
    INFO(name);
    const Schedule schedule = Schedule::parse(text);
    const std::vector<double> expected = golden.values(name);
    REQUIRE(expected.size() == 20);
    for (int64_t step = 0; step < 20; ++step)
      CHECK(schedule.lr_at(step, 20, 0.1) == Approx(expected[size_t(step)]).epsilon(1e-13));
  }
}

TEST_CASE("epochs are as long as they are said to be", "[optim]") {
  const Schedule schedule = Schedule::parse("step:every=2,gamma=0.1");
  CHECK(schedule.lr_at(199, 1000, 1, 100) == 1);
  CHECK(schedule.lr_at(200, 1000, 1, 100) == Approx(0.1));
  CHECK(schedule.lr_at(999, 1000, 1, 100) == Approx(1e-4));
  CHECK(Schedule::parse("constant:warmup=2,warmup-start=0").lr_at(50, 1000, 1, 100) == 0.25);
}

TEST_CASE("a warm-up comes before what is left of the run", "[optim]") {
  const Schedule plain = Schedule::parse("cosine:floor=0.01");
  const Schedule warm = Schedule::parse("cosine:floor=0.01,warmup=5,warmup-start=0.2");
  CHECK(warm.lr_at(0, 25, 1) == Approx(0.2));
  CHECK(warm.lr_at(3, 25, 1) == Approx(0.2 + 0.8 * 3 / 5));
  for (int64_t step = 0; step < 20; ++step)
    CHECK(warm.lr_at(step + 5, 25, 1) == Approx(plain.lr_at(step, 20, 1)));
  const Schedule cycle = Schedule::parse("one-cycle:peak=0.5,warmup=2");
  CHECK(cycle.lr_at(0, 22, 1) == Approx(0.5 / 25 / 3));
  CHECK(cycle.lr_at(2 + 5, 22, 1) == Approx(0.5));  // 0.3 of 20 steps, less one
  CHECK(cycle.lr_at(21, 22, 1) == Approx(0.5 / 25 / 1e4));
}

TEST_CASE("schedules stay finite at their edges", "[optim]") {
  for (const char* text : {"constant", "step", "cosine", "one-cycle", "one-cycle:share=0",
                           "one-cycle:share=1", "cosine:warmup=9", "one-cycle:warmup=1"})
    for (const int64_t total : {1, 2, 3, 9})
      for (int64_t step = 0; step < total + 3; ++step) {
        INFO(text << " " << step << " of " << total);
        const double lr = Schedule::parse(text).lr_at(step, total, 0.1);
        CHECK(std::isfinite(lr));
        CHECK(lr >= 0);
        CHECK(lr <= 0.1 + 1e-15);
      }
  CHECK(Schedule().lr_at(7, 10, 0.3) == 0.3);
}

TEST_CASE("schedules name what they accept", "[optim]") {
  CHECK_THROWS_WITH(Schedule::parse("linear"),
                    "[schedule] expected one of constant, step, cosine, one-cycle, got \"linear\"");
  CHECK_THROWS_WITH(Schedule::parse("step:size=3"),
                    "[step] expected keys every, gamma, warmup, warmup-start, got unknown key "
                    "\"size\"");
  CHECK_THROWS_WITH(Schedule::parse("one-cycle:share=2"),
                    "[one-cycle: share] expected a number at least 0 and at most 1, got \"2\"");
  CHECK_THROWS_AS(Schedule::parse("step:every=0"), ValueError);
}
