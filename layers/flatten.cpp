#include "layers/flatten.hpp"

#include <algorithm>

#include "core/check.hpp"

namespace hebb {

Tensor Flatten::forward(const Tensor& x, Context&) const {
  const int kept = replicas() > 0 ? 2 : 1;
  check<ShapeError>(x.rank() >= kept, "[Flatten] expected at least {}, got {}",
                    kept == 1 ? "one axis" : "two axes", x.shape());
  if (x.rank() == kept + 1) return x;
  const Shape samples(x.shape().extents().first(size_t(kept)));
  return x.reshape(samples.inserted(kept, x.shape().product(kept, x.rank())));
}

std::string Unflatten::description() const {
  return fmt::format("Unflatten({})", fmt::join(shape_.extents(), ", "));
}

Tensor Unflatten::forward(const Tensor& x, Context&) const {
  const int kept = replicas() > 0 ? 2 : 1;
  const auto samples = x.shape().extents().first(size_t(std::min(kept, x.rank())));
  Shape whole = shape_;
  for (int axis = 0; axis < int(samples.size()); ++axis)
    whole = whole.inserted(axis, samples[size_t(axis)]);
  if (x.shape() == whole) return x;
  const char* const front = kept == 1 ? "" : "R, ";
  check<ShapeError>(x.rank() == kept + 1 && x.size(-1) == shape_.numel(),
                    "[Unflatten] expected input of shape [{}S, {}] or [{}S, {}], got {}", front,
                    fmt::join(shape_.extents(), ", "), front, shape_.numel(), x.shape());
  return x.reshape(whole);
}

}  // namespace hebb
