#pragma once

#include <string>
#include <string_view>

#include "core/api.hpp"
#include "core/choice.hpp"
#include "core/random.hpp"
#include "core/tensor.hpp"

namespace HEBB_API hebb {

/// How weights start, for dense weights [out, in] and kernels [out, in, KH, KW] alike: fan_in is
/// in · KH · KW, fan_out is out · KH · KW. Numbers depend on the generator's state alone.
struct Initializer {
  enum class Kind {
    pytorch,     ///< Weights and biases uniform in ±1/√fan_in, as PyTorch has it.
    he,          ///< Normal, variance 2/fan_in (He et al. 2015); biases 0.
    he_fan_out,  ///< The same with fan_out, as torchvision's residual networks have it.
    xavier,      ///< Uniform in ±√(6/(fan_in + fan_out)) (Glorot and Bengio 2010); biases 0.
    truncated_normal,  ///< Normal, σ = 0.1, cut at ±2σ; biases 0.
  };
  Kind kind = Kind::pytorch;
  double scale = 1;  ///< Times all random numbers.
  /// The weights of the last normalisation in each residual block. 0: blocks start as the identity
  /// (Goyal et al. 2017).
  double residual = 1;

  /// Reads "pytorch", "he", "he-fan-out", "xavier" or "truncated-normal", each with
  /// ":scale=...,residual=..." where wanted; ValueError otherwise.
  static Initializer parse(std::string_view text);
  static const Choices<Kind>& kinds();
  std::string to_string() const;  ///< "xavier" or "xavier:scale=0.5,residual=0"

  /// Fills a layer's weight and bias (which may be undefined).
  void operator()(const Tensor& weight, const Tensor& bias, Generator& generator) const;
};

}  // namespace hebb
