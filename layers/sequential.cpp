#include "layers/sequential.hpp"

namespace hebb {

Tensor Sequential::forward(const Tensor& x, Context& context) const {
  Tensor y = x;
  for (const Child& child : children()) y = (*child.module)(y, context);
  return y;
}

}  // namespace hebb
