#include "tests/distributed/ranks.hpp"

#include <cstring>

namespace hebb::test {

Communicator& ranks() {
  static const std::unique_ptr<Communicator> world = Communicator::world();
  return *world;
}

bool equal_on_all(const Tensor& values) {
  const Tensor root = values.clone();
  ranks().broadcast({&root, 1});
  const bool equal = std::memcmp(root.data(), values.data(), values.bytes()) == 0;
  const Tensor others = Tensor::scalar(equal ? 0 : 1, {.dtype = DType::float64});
  ranks().all_reduce({&others, 1});
  return others.item() == 0;
}

}  // namespace hebb::test
