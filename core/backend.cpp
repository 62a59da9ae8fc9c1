#include "core/backend.hpp"

#include "core/profile.hpp"
#include "core/profiled_backend.hpp"

namespace hebb {

Backend& backend_for(Device device) {
  Backend& backend = device.is_cpu() ? cpu::backend() : cuda_backend(device.index);
  if (profiling()) [[unlikely]]
    return profiled(backend);
  return backend;
}

}  // namespace hebb
