#include "apps/fewshot/queue/rank.hpp"
#include "tests/catch.hpp"

namespace hebb::apps {
namespace {

using namespace std::chrono_literals;

// How many looks of this length it takes until a silence is too long.
int looks(Silence& silence, std::chrono::duration<double> length) {
  int count = 1;
  while (!silence.lasts(length)) ++count;
  return count;
}

TEST_CASE("a silence is too long after ten seconds, or ten minutes at first", "[apps]") {
  Silence silence;
  CHECK(looks(silence, 62.5ms) == 9601);
  silence.broken();
  CHECK(looks(silence, 62.5ms) == 161);
  silence.broken();
  CHECK(!silence.lasts(62.5ms));
}

TEST_CASE("a silence is not that of a process that was stopped itself", "[apps]") {
  Silence silence;
  silence.broken();
  CHECK(!silence.lasts(1h));
  CHECK(looks(silence, 1h) == 80);
}

}  // namespace
}  // namespace hebb::apps
