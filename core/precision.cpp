#include "core/precision.hpp"

#include "core/backend.hpp"

namespace hebb {

Precision precision(Device device) { return backend_for(device).precision(); }

void set_precision(Precision precision, Device device) {
  backend_for(device).set_precision(precision);
}

const Choices<Precision>& precisions() {
  static const Choices<Precision> choices(
      "precision",
      {{"fp32", Precision::fp32}, {"tf32", Precision::tf32}, {"bf16", Precision::bf16}});
  return choices;
}

}  // namespace hebb
