#include "core/ops/record_step.hpp"

#include "core/backend.hpp"
#include "core/check.hpp"

namespace hebb {

std::function<void()> record_step(Device device, std::function<void()> step) {
  return backend_for(device).record(std::move(step));
}

void advance(const Tensor& counts, int64_t by) {
  check<DTypeError>(counts.defined() && counts.dtype() == DType::int64,
                    "[advance] expected counts of int64, got {}", counts);
  backend_of(counts)->advance(counts, by);
}

}  // namespace hebb
