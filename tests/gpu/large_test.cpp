#include "core/ops/ops.hpp"
#include "core/tensor.hpp"
#include "tests/catch.hpp"
#include "tests/core/ops/table.hpp"

namespace hebb::test {

TEST_CASE("a tensor of more than 2^31 elements on a GPU with its memory", "[large]") {
  const Device device = test_device();
  const int64_t n = (int64_t(1) << 31) + 5, width = 5;
  try {
    const Tensor x = Tensor::ones({n}, {.device = device});
    x.slice(n - 3, n).fill(2);
    const Tensor y = affine(x, 3, 1);
    CHECK(y.slice(n - 4, n).to_vector<float>() == std::vector<float>{4, 7, 7, 7});
    CHECK(sum(y.to(DType::float64)).item() == 4.0 * double(n - 3) + 7.0 * 3);
    Generator random(1), other(1);
    fill_uniform(y, 0, 1, random);
    const Tensor start = Tensor::empty({8});
    fill_uniform(start, 0, 1, other);
    const std::vector<float> expected = start.to_vector<float>();
    const std::vector<float> found = y.slice(0, 8).to_vector<float>();
    for (size_t i = 0; i < expected.size(); ++i) CHECK(found[i] == Approx(expected[i]));
    const Tensor rows = x.slice(0, n / width * width).reshape({n / width, width});
    CHECK(sum(rows, {1}).slice(n / width - 1, n / width).item() == double(width));
  } catch (const DeviceError& error) {
    if (std::string(error.what()).find("out of memory") == std::string::npos) throw;
    skip(error.what());
  }
}

}  // namespace hebb::test
