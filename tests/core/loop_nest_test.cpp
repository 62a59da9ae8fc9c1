#include "core/loop_nest.hpp"

#include "core/shape.hpp"
#include "tests/catch.hpp"

namespace hebb {
namespace {

TEST_CASE("broadcast loops drop and merge axes", "[core][cpu]") {
  const BroadcastLoop same = broadcast_loop({4, 1, 5}, {4, 1, 5}, {4, 1, 5});
  REQUIRE(same.rank == 1);
  CHECK(same.axes[0].extent == 20);
  CHECK(same.axes[0].step_a == 1);
  CHECK(same.rows == 1);

  // The channels of images: positions, then channels, then the batch.
  const BroadcastLoop channels = broadcast_loop({2, 3, 4, 5}, {2, 3, 4, 5}, {3, 1, 1});
  REQUIRE(channels.rank == 3);
  CHECK(channels.axes[0].extent == 20);
  CHECK(channels.axes[0].step_b == 0);
  CHECK(channels.axes[1].extent == 3);
  CHECK(channels.axes[1].step_a == 20);
  CHECK(channels.axes[1].step_b == 1);
  CHECK(channels.axes[2].step_b == 0);
  CHECK(channels.rows == 6);

  CHECK(broadcast_loop({}, {}, {}).axes[0].extent == 1);
  CHECK(broadcast_loop({3, 0}, {3, 0}, {1}).rows == 0);
}

TEST_CASE("permuted loops drop and merge axes", "[core][cpu]") {
  const int turned[] = {1, 0, 2, 3};
  const PermuteLoop planes = permute_loop({2, 3, 4, 5}, turned);
  REQUIRE(planes.rank == 3);
  CHECK(planes.axes[0].extent == 20);
  CHECK(planes.axes[0].step == 1);
  CHECK(planes.axes[1].extent == 2);
  CHECK(planes.axes[1].step == 60);
  CHECK(planes.axes[2].step == 20);

  const PermuteLoop column = permute_loop({1, 7, 1, 1}, turned);
  REQUIRE(column.rank == 1);
  CHECK(column.axes[0].step == 1);
  CHECK(permute_loop({}, {}).axes[0].extent == 1);
}

TEST_CASE("reduction loops keep apart what is summed and what stays", "[core][cpu]") {
  const ReduceLoop all = reduce_loop({2, 3, 4}, 0b111);
  CHECK(all.inner == 24);
  CHECK(all.inner_reduced);
  CHECK(all.kept.count * all.reduced.count == 1);

  const ReduceLoop channels = reduce_loop({2, 3, 4, 5}, 0b1101);
  CHECK(channels.inner == 20);
  CHECK(channels.inner_reduced);
  REQUIRE(channels.kept.rank == 1);
  CHECK(channels.kept.axes[0].extent == 3);
  CHECK(channels.kept.axes[0].step == 20);
  REQUIRE(channels.reduced.rank == 1);
  CHECK(channels.reduced.axes[0].step == 60);

  const ReduceLoop columns = reduce_loop({6, 1, 7}, 0b001);
  CHECK(columns.inner == 7);
  CHECK_FALSE(columns.inner_reduced);
  CHECK(columns.reduced.count == 6);
  CHECK(columns.reduced.axes[0].step == 7);
}

}  // namespace
}  // namespace hebb
