#include "core/backend.hpp"

#include "core/check.hpp"
#include "core/precision.hpp"
#include "core/profile.hpp"
#include "core/profiled_backend.hpp"

namespace hebb {

void Backend::set_precision(Precision precision) {
  check(precision == Precision::fp32, "[precision] expected fp32 on {}, got {}", name(),
        precisions().name_of(precision));
}

Tensor Backend::linear_backward_input(const Tensor& dy, const Tensor& weight, const Shape& shape) {
  return matmul(dy, false, weight, false, shape);
}

Tensor Backend::linear_backward_weight(const Tensor& dy, const Tensor& x, const Shape& shape) {
  return matmul(dy, true, x, false, shape);
}

Backend& backend_for(Device device) {
  Backend& backend = device.is_cpu() ? cpu::backend() : cuda_backend(device.index);
  if (profiling()) [[unlikely]]
    return profiled(backend);
  return backend;
}

}  // namespace hebb
