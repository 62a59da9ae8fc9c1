#include "apps/fewshot/queue/leases.hpp"

#include <vector>

#include "tests/catch.hpp"

namespace hebb::apps {
namespace {

TEST_CASE("runs are handed out once, and end once", "[apps]") {
  Leases leases(std::vector<int64_t>{7, 3});
  CHECK(leases.take(0) == 7);
  CHECK(leases.take(1) == 3);
  CHECK(!leases.take(2));
  CHECK(leases.finish(3));
  CHECK(!leases.finish(3));
  CHECK(!leases.all_finished());
  CHECK(leases.finish(7));
  CHECK(leases.all_finished());
}

TEST_CASE("the runs of a rank that has died go to others first", "[apps]") {
  Leases leases(std::vector<int64_t>{0, 1, 2, 3, 4});
  for (const int rank : {1, 2, 1}) leases.take(rank);
  CHECK(leases.finish(0));
  CHECK(leases.take_back(1) == 1);
  CHECK(leases.take_back(1) == 0);
  CHECK(leases.take(2) == 2);
  CHECK(leases.take(2) == 3);
  CHECK(leases.take_back(2) == 3);
}

TEST_CASE("what a rank finishes that was thought dead counts, and is not done again", "[apps]") {
  Leases leases(std::vector<int64_t>{0, 1});
  CHECK(leases.take(1) == 0);
  CHECK(leases.take_back(1) == 1);
  CHECK(leases.finish(0));
  CHECK(leases.take(2) == 1);
  CHECK(!leases.take(2));
  // Another rank has it already: the first result counts, and the second death takes nothing back.
  CHECK(leases.take_back(2) == 1);
  CHECK(leases.take(3) == 1);
  CHECK(leases.finish(1));
  CHECK(!leases.finish(1));
  CHECK(leases.take_back(3) == 0);
  CHECK(leases.all_finished());
}

}  // namespace
}  // namespace hebb::apps
