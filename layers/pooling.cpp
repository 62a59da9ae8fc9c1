#include "layers/pooling.hpp"

#include "core/check.hpp"
#include "core/ops/pool2d.hpp"

namespace hebb {
namespace {

Pool2dOptions checked(const PoolingOptions& o, const char* where) {
  check(o.kernel >= 1 && o.stride >= 0 && o.padding >= 0 && o.padding <= o.kernel / 2,
        "[{}] expected kernel >= 1, stride >= 0 and padding of at most half a kernel, got {}, {} "
        "and {}",
        where, o.kernel, o.stride, o.padding);
  check(o.dilation >= 1, "[{}] expected dilation >= 1, got {}", where, o.dilation);
  const int64_t stride = o.stride ? o.stride : o.kernel;
  return {.kernel_h = o.kernel,
          .kernel_w = o.kernel,
          .stride_h = stride,
          .stride_w = stride,
          .pad_h = o.padding,
          .pad_w = o.padding,
          .dilation_h = o.dilation,
          .dilation_w = o.dilation,
          .ceil_mode = o.ceil_mode,
          .count_include_pad = o.count_include_pad};
}

std::string describe(const char* name, const Pool2dOptions& o) {
  std::string text = fmt::format("{}({}x{}", name, o.kernel_h, o.kernel_w);
  if (o.stride_h != o.kernel_h) text += fmt::format(", stride {}", o.stride_h);
  if (o.pad_h != 0) text += fmt::format(", padding {}", o.pad_h);
  if (o.dilation_h != 1) text += fmt::format(", dilation {}", o.dilation_h);
  if (o.ceil_mode) text += ", rounded up";
  if (!o.count_include_pad) text += ", padding not counted";
  return text + ")";
}

}  // namespace

MaxPool2d::MaxPool2d(const PoolingOptions& options) : options_(checked(options, "MaxPool2d")) {}
std::string MaxPool2d::description() const { return describe("MaxPool2d", options_); }
Tensor MaxPool2d::forward(const Tensor& x, Context&) const { return max_pool2d(x, options_); }

AvgPool2d::AvgPool2d(const PoolingOptions& options) : options_(checked(options, "AvgPool2d")) {}
std::string AvgPool2d::description() const { return describe("AvgPool2d", options_); }
Tensor AvgPool2d::forward(const Tensor& x, Context&) const { return avg_pool2d(x, options_); }

Tensor GlobalAvgPool2d::forward(const Tensor& x, Context&) const { return global_avg_pool2d(x); }

}  // namespace hebb
