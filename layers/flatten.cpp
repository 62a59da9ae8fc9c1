#include "layers/flatten.hpp"

#include "core/check.hpp"

namespace hebb {

Tensor Flatten::forward(const Tensor& x, Context&) const {
  check<ShapeError>(x.rank() >= 1, "[Flatten] expected at least one axis, got {}", x.shape());
  if (x.rank() == 2) return x;
  return x.reshape(Shape{x.size(0), x.shape().product(1, x.rank())});
}

std::string Unflatten::description() const {
  return fmt::format("Unflatten({})", fmt::join(shape_.extents(), ", "));
}

Tensor Unflatten::forward(const Tensor& x, Context&) const {
  if (x.rank() == shape_.rank() + 1 && x.shape().without(0) == shape_) return x;
  check<ShapeError>(x.rank() == 2 && x.size(1) == shape_.numel(),
                    "[Unflatten] expected input of shape [S, {}] or [S, {}], got {}",
                    fmt::join(shape_.extents(), ", "), shape_.numel(), x.shape());
  return x.reshape(shape_.inserted(0, x.size(0)));
}

}  // namespace hebb
