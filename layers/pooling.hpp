#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// Pooling over square windows: [S, C, H, W] to [S, C, OH, OW].
struct PoolingOptions {
  int64_t kernel = 2;
  int64_t stride = 0;  ///< 0: the kernel's size.
  int64_t padding = 0;
  int64_t dilation = 1;
  bool ceil_mode = false;         ///< Extents are rounded up; no window begins behind the input.
  bool count_include_pad = true;  ///< Of averages: padding counts, as zeros.
};

/// The largest of each window. ValueError for a kernel or dilation below 1, a stride below 0 or
/// padding over half a kernel.
class MaxPool2d final : public Module {
 public:
  explicit MaxPool2d(const PoolingOptions& options);
  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;
  const Pool2dOptions& options() const { return options_; }

 private:
  Pool2dOptions options_;
};

/// The mean of each window. Errors as those of MaxPool2d.
class AvgPool2d final : public Module {
 public:
  explicit AvgPool2d(const PoolingOptions& options);
  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;
  const Pool2dOptions& options() const { return options_; }

 private:
  Pool2dOptions options_;
};

/// The mean of each channel: [S, C, H, W] to [S, C].
class GlobalAvgPool2d final : public Module {
 public:
  std::string description() const override { return "GlobalAvgPool2d"; }
  Tensor forward(const Tensor& x, Context& context) const override;
};

}  // namespace hebb
