#include "optim/recorded_steps.hpp"

#include "tests/catch.hpp"

namespace hebb::test {
namespace {

Batch batch_of(int64_t size, double value) {
  return {Tensor::full({size, 1, 2, 2}, value), Tensor::full({size}, 1, {.dtype = DType::int64})};
}

}  // namespace

TEST_CASE("recorded steps: the CPU reads batches where they are, and lets go of them", "[optim]") {
  std::vector<const void*> read;
  Generator random(1);
  RecordedSteps steps({}, random, [&](const Batch& batch) {
    read.push_back(batch.images.data());
    random.reserve(batch.size());
  });
  for (const int64_t size : {4, 4, 3, 4, 3}) {
    const Batch batch = batch_of(size, 1);
    steps.run(batch);
    CHECK(read.back() == batch.images.data());
    CHECK(batch.images.owns_storage());
    CHECK(batch.labels.owns_storage());
  }
  CHECK(read.size() == 5);
  CHECK(random.state() == Generator::State{1, 0, 5});
}

}  // namespace hebb::test
