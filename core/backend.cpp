#include "core/backend.hpp"

namespace hebb {

Backend& backend_for(Device device) {
  if (device.is_cpu()) [[likely]]
    return cpu::backend();
  return cuda_backend(device.index);
}

}  // namespace hebb
