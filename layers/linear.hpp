#pragma once

#include "core/api.hpp"
#include "core/options.hpp"
#include "layers/init.hpp"
#include "layers/module.hpp"

namespace HEBB_API hebb {

/// A dense layer: y = x Wᵀ + b for x [S, in], with parameters weight [out, in] and bias [out].
/// It applies `context.edit_dense_input` to its input and puts a tap into `context.taps`.
class Linear final : public Module {
 public:
  struct Options {
    int64_t in, out;
    bool bias = true;
    Initializer init = {};
  };
  /// ValueError for extents below 1.
  Linear(const Options& options, Generator& generator);

  std::string description() const override;
  Tensor forward(const Tensor& x, Context& context) const override;
  /// The same with what follows the product (core/ops/matmul.hpp).
  Tensor forward(const Tensor& x, Context& context, const LinearOptions& tail) const;
  int64_t multiply_adds(const Shape& input, const Shape& output) const override;

  const Tensor& weight() const { return weight_; }
  const Tensor& bias() const { return bias_; }  ///< Undefined without one.

 private:
  Tensor weight_, bias_;
};

}  // namespace hebb
