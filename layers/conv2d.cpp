#include "layers/conv2d.hpp"

#include "core/check.hpp"
#include "core/ops/conv2d.hpp"

namespace hebb {

Conv2d::Conv2d(const Options& o, Generator& generator)
    : options_{o.stride, o.stride, o.padding, o.padding, o.dilation, o.dilation, o.groups} {
  check(o.in >= 1 && o.out >= 1 && o.kernel >= 1,
        "[Conv2d] expected extents of at least 1, got in = {}, out = {}, kernel = {}", o.in, o.out,
        o.kernel);
  check(o.stride >= 1 && o.dilation >= 1 && o.padding >= 0,
        "[Conv2d] expected stride >= 1, padding >= 0 and dilation >= 1, got {}, {} and {}",
        o.stride, o.padding, o.dilation);
  check(o.groups >= 1 && o.in % o.groups == 0 && o.out % o.groups == 0,
        "[Conv2d] expected groups that divide in = {} and out = {}, got {}", o.in, o.out, o.groups);
  weight_ = add_parameter("weight", Tensor::empty({o.out, o.in / o.groups, o.kernel, o.kernel}));
  if (o.bias) bias_ = add_parameter("bias", Tensor::empty({o.out}));
  o.init(weight_, bias_, generator);
}

std::string Conv2d::description() const {
  std::string text = fmt::format("Conv2d({}, {}, {}x{}", weight_.size(-3) * options_.groups,
                                 weight_.size(-4), weight_.size(-2), weight_.size(-1));
  if (options_.stride_h != 1) text += fmt::format(", stride {}", options_.stride_h);
  if (options_.pad_h != 0) text += fmt::format(", padding {}", options_.pad_h);
  if (options_.dilation_h != 1) text += fmt::format(", dilation {}", options_.dilation_h);
  if (options_.groups != 1) text += fmt::format(", groups {}", options_.groups);
  if (!bias_.defined()) text += ", no bias";
  return text + ")";
}

Tensor Conv2d::forward(const Tensor& x, Context&) const {
  return conv2d(x, weight_, bias_, options_);
}

int64_t Conv2d::multiply_adds(const Shape&, const Shape& output) const {
  return output.numel() * weight_.shape().product(weight_.rank() - 3, weight_.rank());
}

}  // namespace hebb
