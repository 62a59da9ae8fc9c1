#include "layers/padding.hpp"

#include <algorithm>

#include "core/check.hpp"
#include "core/ops/layout.hpp"

namespace hebb {

Pad2d::Pad2d(const Options& o) : options_(o) {
  check(std::min({o.left, o.right, o.top, o.bottom}) >= 0,
        "[Pad2d] expected sides of at least 0 pixels, got left = {}, right = {}, top = {}, "
        "bottom = {}",
        o.left, o.right, o.top, o.bottom);
}

std::string Pad2d::description() const {
  const Options& o = options_;
  std::string text =
      fmt::format("Pad2d(left {}, right {}, top {}, bottom {}", o.left, o.right, o.top, o.bottom);
  if (o.value != 0) text += fmt::format(", value {}", o.value);
  return text + ")";
}

Tensor Pad2d::forward(const Tensor& x, Context&) const {
  check<ShapeError>(x.rank() == 4, "[Pad2d] expected input of shape [S, C, H, W], got {}",
                    x.shape());
  return pad(x, {options_.left, options_.right, options_.top, options_.bottom}, options_.value);
}

}  // namespace hebb
