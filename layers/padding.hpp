#pragma once

#include "core/api.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// A border around images, for convolutions and pooling whose padding is not the same on all sides:
/// [S, C, H, W] to [S, C, top + H + bottom, left + W + right].
class Pad2d final : public Module {
 public:
  struct Options {
    int64_t left = 0, right = 0, top = 0, bottom = 0;  ///< Pixels.
    double value = 0;                                  ///< In front of a MaxPool2d, -INFINITY.
  };
  /// ValueError for a side below 0.
  explicit Pad2d(const Options& options);
  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;
  const Options& options() const { return options_; }

 private:
  Options options_;
};

}  // namespace hebb
