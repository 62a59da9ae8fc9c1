#include "core/backend.hpp"
#include "core/error.hpp"
#include "distributed/nccl/nccl.hpp"
#include "distributed/single/single.hpp"
#include "tests/catch.hpp"

// NCCL itself, which makes ids without a GPU, too.
namespace hebb::test {

TEST_CASE("NCCL makes an id for each group, and connects where there is a GPU", "[distributed]") {
  const nccl::Id id = nccl::make_id();
  CHECK(id != nccl::make_id());
  if (cuda_device_count() == 0) {
    CHECK_THROWS_AS(nccl::Group(id, 0, 1, {}), DeviceError);
    return;
  }
  SingleCommunicator alone;
  NcclCommunicator ranks(alone, 0);
  const Tensor values = Tensor::full({5}, 3, {.device = Device::cuda()});
  ranks.all_reduce({&values, 1});
  CHECK(values.to_vector<float>() == std::vector<float>(5, 3));
}

}  // namespace hebb::test
