#include "core/ops/record_step.hpp"

#include "core/backend.hpp"

namespace hebb {

std::function<void()> record_step(Device device, std::function<void()> step) {
  return backend_for(device).record(std::move(step));
}

}  // namespace hebb
