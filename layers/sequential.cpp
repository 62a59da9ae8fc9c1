#include "layers/sequential.hpp"

#include "layers/fused.hpp"

namespace hebb {

Tensor Sequential::forward(const Tensor& x, Context& context) const {
  Tensor y = x;
  for (std::span<const Child> rest = children(); !rest.empty();) {
    const Fused fused = run_first(rest, y, context);
    y = fused.y;
    rest = rest.subspan(fused.modules);
  }
  return y;
}

}  // namespace hebb
