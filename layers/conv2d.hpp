#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "layers/init.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// A convolution with square kernels: [S, in, H, W] to [S, out, OH, OW] as hebb::conv2d has it,
/// with parameters weight [out, in / groups, kernel, kernel] and bias [out].
class Conv2d final : public Module {
 public:
  struct Options {
    int64_t in, out, kernel;
    int64_t stride = 1, padding = 0, dilation = 1;
    int64_t groups = 1;  ///< Group g of the filters sees group g of the channels alone.
    bool bias = true;
    Initializer init = {};
  };
  /// ValueError for extents, strides or dilations below 1, padding below 0, or groups that do not
  /// divide `in` and `out`.
  Conv2d(const Options& options, Generator& generator);

  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;
  int64_t multiply_adds(const Shape& input, const Shape& output) const override;

  const Conv2dOptions& options() const { return options_; }
  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }  ///< Undefined without one.

 private:
  Conv2dOptions options_;
  Tensor weight_, bias_;
};

}  // namespace hebb
