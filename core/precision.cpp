#include "core/precision.hpp"

#include "core/backend.hpp"

namespace hebb {

Precision precision(Device device) { return backend_for(device).precision(); }

void set_precision(Precision precision, Device device) {
  backend_for(device).set_precision(precision);
}

Tensor network_input(const Tensor& x) {
  const Backend& backend = backend_for(x.device());
  const bool narrow = x.dtype() == DType::float32 && backend.precision() == Precision::bf16 &&
                      backend.has_bfloat16();
  return narrow ? x.to(DType::bfloat16) : x;
}

const Choices<Precision>& precisions() {
  static const Choices<Precision> choices(
      "precision",
      {{"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"bf16", Precision::bf16}});
  return choices;
}

}  // namespace hebb
